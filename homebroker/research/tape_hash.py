"""A hash of trades, to tell whether two tapes are the same."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from engine.domain import UNITS_PER_CURRENCY
from homebroker.research.frames import check_columns

_TEXTS: Final = ("symbol", "buyer_id", "seller_id", "buy_order_id", "sell_order_id", "taker_side")


def tape_hash(trades: pd.DataFrame | pa.Table) -> str:
    """Hash trades: what was traded, by whom, at which price and when, in order.

    Parameters
    ----------
    trades : DataFrame or Table
        As `hb.transactions` or a replay gives them. Offsets do not count, so that the same trades have the
        same hash wherever in a log they are.

    Returns
    -------
    str
        SHA-256, as hexadecimal digits.
    """
    check_columns(trades, (*_TEXTS, "price", "quantity"), what="trades")
    digest = hashlib.sha256()
    if isinstance(trades, pa.Table):
        times_ms = trades.column("time_ms").to_numpy()
        columns: dict[str, Any] = {name: trades.column(name).to_pylist() for name in _TEXTS}
        prices, quantities = trades.column("price").to_numpy(), trades.column("quantity").to_numpy()
    else:
        times_ms = pd.DatetimeIndex(trades.index).as_unit("ms").asi8
        columns = {name: trades[name].tolist() for name in _TEXTS}
        prices, quantities = trades["price"].to_numpy(), trades["quantity"].to_numpy()
    for name in _TEXTS:
        digest.update("\n".join(columns[name]).encode() + b"\x00")
    for numbers in (times_ms, np.rint(prices * UNITS_PER_CURRENCY), quantities):
        digest.update(np.ascontiguousarray(numbers, "<i8" if numbers.dtype.kind == "i" else "<f8").tobytes())
    return digest.hexdigest()
