"""`hb.candles`: the tape folded into candles, the same that the API serves."""

from __future__ import annotations

import numpy as np
import pandas as pd

from api.live.candles import INTERVALS_MS, bucket_start
from homebroker.research.arguments import Since, bounds_ms, check_word
from homebroker.research.frames import check_columns, time_index
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
    interval_ms = _interval_ms(interval)
    if since is None:
        return candles_from(transactions(symbol), interval)
    since_ms, _ = bounds_ms(since, None)
    assert since_ms is not None, "it was given"
    start_ms = int(bucket_start(since_ms, interval_ms))
    return candles_from(transactions(symbol, since=max(0, start_ms)), interval)


def candles_from(trades: pd.DataFrame, interval: str = "1m") -> pd.DataFrame:
    """Fold trades into candles, as `candles` does. Cost O(trades).

    Parameters
    ----------
    trades : DataFrame
        Of one symbol, indexed by time, oldest first, with `price` and `quantity`: as `transactions`, a
        replay or `read_trades` give them.
    interval : str
        See `candles`.
    """
    interval_ms = _interval_ms(interval)
    check_columns(trades, ("price", "quantity"), what="trades")
    if trades.empty:
        columns = dict.fromkeys(_PRICES, np.empty(0)) | dict.fromkeys(
            ("volume", "trades"), np.empty(0, np.int64)
        )
        return pd.DataFrame(columns, index=time_index([]))
    times_ms = pd.DatetimeIndex(trades.index).as_unit("ms").asi8
    starts_ms = bucket_start(times_ms, interval_ms)
    first = np.concatenate([[0], np.flatnonzero(np.diff(starts_ms)) + 1])
    last = np.concatenate([first[1:], [len(trades)]]) - 1
    prices, quantities = trades["price"].to_numpy(), trades["quantity"].to_numpy()
    columns = {
        "open": prices[first],
        "high": np.maximum.reduceat(prices, first),
        "low": np.minimum.reduceat(prices, first),
        "close": prices[last],
        "volume": np.add.reduceat(quantities, first),
        "trades": last - first + 1,
    }
    return pd.DataFrame(columns, index=time_index(starts_ms[first]))


def _interval_ms(interval: str) -> int:
    check_word(interval, INTERVALS_MS, what="interval of candles")
    return INTERVALS_MS[interval]
