"""`hb.candles`: the tape folded into candles, the same that the API serves."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from api.live.candles import INTERVALS_MS, bucket_start, candles_of
from engine.domain import UNITS_PER_CURRENCY
from homebroker.research.arguments import Since, since_ms
from homebroker.research.frames import time_index
from homebroker.research.topics import transactions

_PRICES = ("open", "high", "low", "close")


def candles(symbol: str, interval: str = "1m", *, since: Since | None = None) -> pd.DataFrame:
    """Fold a symbol's trades into candles, oldest first, indexed by their beginning as UTC time.

    Parameters
    ----------
    symbol : str
        Whose trades.
    interval : str
        1s, 5s, 15s, 1m, 5m, 15m, 30m, 1h, 4h or 1d; a day is the market's, three hours behind UTC.
    since : str, int or datetime, optional
        From the candle of that time on; see `transactions`.

    Returns
    -------
    DataFrame
        `open`, `high`, `low`, `close`, `volume` and `trades`; no row where there was no trade.
    """
    if symbol is None:
        raise ValueError("candles are of one symbol; name it, for example PETR4.")
    if interval not in INTERVALS_MS:
        raise ValueError(f"{interval!r} is no interval of candles; choose one of {', '.join(INTERVALS_MS)}.")
    interval_ms = INTERVALS_MS[interval]
    if since is None:
        return candles_from(transactions(symbol), interval_ms)
    start_ms = int(bucket_start(since_ms(since, now_ms=time.time_ns() // 1_000_000), interval_ms))
    return candles_from(transactions(symbol, since=max(0, start_ms)), interval_ms)


def candles_from(trades: pd.DataFrame, interval_ms: int) -> pd.DataFrame:
    """Fold trades, as `transactions` gives them for one symbol, into candles. Cost O(trades)."""
    if trades.empty:
        columns = dict.fromkeys(_PRICES, np.empty(0)) | dict.fromkeys(
            ("volume", "trades"), np.empty(0, np.int64)
        )
        return pd.DataFrame(columns, index=time_index([]))
    times = pd.DatetimeIndex(trades.index).as_unit("ms").asi8
    prices_units = np.rint(trades["price"].to_numpy() * UNITS_PER_CURRENCY).astype(np.int64)
    rows = candles_of(times, prices_units, trades["quantity"].to_numpy(), interval_ms)
    columns = {name: rows[name] / UNITS_PER_CURRENCY for name in _PRICES}
    columns |= {"volume": rows["volume"].copy(), "trades": rows["trades"].copy()}
    return pd.DataFrame(columns, index=time_index(rows["time_ms"].copy()))
