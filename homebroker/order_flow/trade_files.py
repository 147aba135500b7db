"""Files of trades as exchanges publish them, Binance's and Bitstamp's: one table, for candles."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from engine.domain import TIME_MS_MAX
from homebroker.order_flow.reading import FlowError
from homebroker.research.arguments import check_path, check_word

TradeFormat: TypeAlias = Literal["binance", "binance_agg", "bitstamp"]
ROWS_MAX: Final = 100_000_000


class _Format(NamedTuple):
    """Where in a row the parts of a trade stand; -1 where there is none."""

    columns: int
    trade_id: int
    price: int
    quantity: int
    time: int
    buyer_is_maker: int
    time_in_ms: float


_FORMATS: Final[dict[str, _Format]] = {
    # id,price,qty,quote_qty,time,is_buyer_maker[,is_best_match]
    "binance": _Format(6, 0, 1, 2, 4, 5, 1.0),
    # agg_id,price,qty,first_id,last_id,time,is_buyer_maker[,is_best_match]
    "binance_agg": _Format(7, 0, 1, 2, 5, 6, 1.0),
    # unix time,price,amount
    "bitstamp": _Format(3, -1, 1, 2, 0, -1, 1_000.0),
}
# Binance's files have microseconds from 2025 on; no millisecond of today has so many digits.
_MICROSECONDS_FROM: Final = 10**14
_HEADER: Final = re.compile(r"[A-Za-z_]")


def read_trades(path: Path | str, format: TradeFormat) -> pd.DataFrame:  # noqa: A002 - what it is
    """Read a file of trades.

    Parameters
    ----------
    path : Path or str
        A CSV file, also packed (`.gz`, `.zip`), with or without a header.
    format : str
        `binance` (trades), `binance_agg` (aggregate trades) or `bitstamp` (unix time, price, amount).

    Returns
    -------
    DataFrame
        By UTC time, oldest first: `price` and `quantity` float64, `taker_side` and `trade_id` where the
        format tells them. `hb.candles_from` makes candles of it.

    Raises
    ------
    FlowError
        When it is no such file; says which line is wrong.
    """
    check_word(format, _FORMATS, what="format of trades")
    check_path(path)
    told, path = _FORMATS[format], Path(path)
    table = _read(path, told)
    numbers = {
        name: _numbers(path, table, place)
        for name, place in (("price", told.price), ("quantity", told.quantity), ("time", told.time))
    }
    for name in ("price", "quantity"):
        _check(path, table, ~(numbers[name] > 0), f"has no possible {name}")
    times_ms = _times_ms(numbers["time"], told)
    _check(path, table, ~((times_ms >= 0) & (times_ms <= TIME_MS_MAX)), "has no possible time")
    columns: dict[str, Any] = {name: numbers[name] for name in ("price", "quantity")}
    if told.buyer_is_maker >= 0:
        columns["taker_side"] = _taker_sides(path, table, told)
    if told.trade_id >= 0:
        columns["trade_id"] = _numbers(path, table, told.trade_id).astype(np.int64)
    index = pd.DatetimeIndex(times_ms.astype(np.int64).view("M8[ms]"), tz="UTC", name="time")
    return pd.DataFrame(columns, index=index).sort_index(kind="stable")


def _read(path: Path, told: _Format) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, header=None, dtype=str, nrows=ROWS_MAX + 2)
    except (OSError, ValueError, EOFError) as error:
        raise FlowError(f"{path.name} cannot be read as trades ({error}); is this the right file?") from error
    has_header = _HEADER.match(str(table.iloc[0, 0])) is not None
    table = table.iloc[int(has_header) :]
    if table.empty:
        raise FlowError(f"{path.name} has no rows; give a file with trades in it.")
    if len(table) > ROWS_MAX:
        raise FlowError(f"{path.name}: a file has at most {ROWS_MAX:,} rows; split it.")
    if table.shape[1] < told.columns:
        raise FlowError(
            f"{path.name} has rows of {table.shape[1]} fields and not {told.columns}; is this its format?"
        )
    return table.set_axis(table.index + 1)


def _numbers(path: Path, table: pd.DataFrame, place: int) -> Any:
    values = pd.to_numeric(table[place], errors="coerce").to_numpy(np.float64)
    _check(path, table, ~np.isfinite(values), "has something that is no number")
    return values


def _times_ms(times: Any, told: _Format) -> Any:
    milliseconds = np.where(times >= _MICROSECONDS_FROM, times / 1_000, times * told.time_in_ms)
    return np.floor(milliseconds)


def _taker_sides(path: Path, table: pd.DataFrame, told: _Format) -> Any:
    flags = table[told.buyer_is_maker].str.strip().str.lower()
    _check(path, table, ~flags.isin(["true", "false"]).to_numpy(), "does not say whether the buyer is maker")
    # The taker is whoever was not there first.
    return pd.Categorical(np.where(flags == "true", "sell", "buy"), categories=["buy", "sell"])


def _check(path: Path, table: pd.DataFrame, wrong: Any, what: str) -> None:
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        told = ",".join(map(str, table.iloc[place]))
        raise FlowError(f"{path.name}, line {table.index[place]}: {told[:120]!r} {what}.")
