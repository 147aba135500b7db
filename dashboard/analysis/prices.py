"""What candles tell: comparison, returns and their spread, correlation, volatility."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from homebroker.client import Candle

INTERVAL_S: Final = {"1m": 60, "5m": 300, "15m": 900, "30m": 1_800, "1h": 3_600, "4h": 14_400, "1d": 86_400}
SESSION_S: Final = 7 * 3_600
SESSIONS_A_YEAR: Final = 252
BINS: Final = 41


def closes(candles: Mapping[str, Sequence[Candle]]) -> pd.DataFrame:
    """Give closing prices, a column a symbol, a row an interval in which any of them traded.

    Where one did not trade, its last price stands; before its first trade there is none.
    """
    columns = {
        symbol: pd.Series([row.close for row in rows], index=[row.time_ms for row in rows], dtype="float64")
        for symbol, rows in candles.items()
    }
    frame = pd.DataFrame(columns)
    frame.index = pd.to_datetime(frame.index.astype("int64"), unit="ms", utc=True)
    frame.index.name = "time"
    return frame.sort_index().ffill()


def compared(prices: pd.DataFrame) -> pd.DataFrame:
    """Give each symbol's change since its first price, in percent."""
    if prices.empty:
        return prices
    return prices.div(prices.bfill().iloc[0], axis="columns").sub(1).mul(100)


def returns(prices: pd.DataFrame) -> pd.DataFrame:
    """Give logarithmic returns from row to row; the first row has none and is left out."""
    logarithms = pd.DataFrame(np.log(prices.to_numpy()), index=prices.index, columns=prices.columns)
    return logarithms.diff().iloc[1:]


def correlation(prices: pd.DataFrame) -> pd.DataFrame:
    """Give the correlation of returns, symbol by symbol; NaN where one never moved."""
    return returns(prices).corr()


def volatility(prices: pd.DataFrame, *, interval: str, window: int = 20) -> pd.DataFrame:
    """Give realized volatility in percent a year, over a moving window of returns.

    Parameters
    ----------
    prices : DataFrame
        Closes, a column a symbol.
    interval : str
        How far apart the rows are, a key of `INTERVAL_S`.
    window : int
        How many returns each figure is of.

    Notes
    -----
    Root of the mean squared return (no mean is taken off: over minutes it is noise), scaled by the root of
    the number of intervals in 252 sessions of seven hours.
    """
    rows_a_year = SESSIONS_A_YEAR * max(1.0, SESSION_S / INTERVAL_S[interval])
    squared = returns(prices).pow(2)
    rolled = squared.rolling(window, min_periods=window).mean()
    return rolled.mul(rows_a_year).pow(0.5).mul(100).dropna(how="all")


def distribution(prices: pd.Series[float]) -> pd.DataFrame:
    """Count a symbol's returns in equal bins, beside a normal distribution of the same mean and spread.

    Returns
    -------
    DataFrame
        `return_percent` (a bin's middle), `count`, `normal` (the count a normal distribution would have).
    """
    found = returns(prices.to_frame()).iloc[:, 0].dropna().to_numpy() * 100
    if found.size < 2 or found.std() == 0:
        return pd.DataFrame({"return_percent": [], "count": [], "normal": []})
    reach = float(np.abs(found).max())
    counts, edges = np.histogram(found, bins=BINS, range=(-reach, reach))
    middles = (edges[:-1] + edges[1:]) / 2
    spread = found.std(ddof=1)
    density = np.exp(-0.5 * ((middles - found.mean()) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
    normal = density * found.size * (edges[1] - edges[0])
    return pd.DataFrame({"return_percent": middles, "count": counts, "normal": normal})


def summary(prices: pd.DataFrame) -> pd.DataFrame:
    """Sum up returns: change, lowest and highest in percent, skewness, excess kurtosis."""
    found = returns(prices)
    return pd.DataFrame(
        {
            "change_percent": compared(prices).iloc[-1] if len(prices) else pd.Series(dtype="float64"),
            "worst_percent": found.min() * 100,
            "best_percent": found.max() * 100,
            "skewness": found.skew(),
            "kurtosis": found.kurt(),
        }
    ).rename_axis(index="symbol")
