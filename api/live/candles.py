"""Exact OHLCV candles of one symbol, kept for every interval as trades come in."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from api.live.newest_rows import NewestRows, Rows
from api.payloads import Candle
from engine.domain import UNITS_PER_CURRENCY

INTERVALS_MS = MappingProxyType(
    {
        "1s": 1_000,
        "5s": 5_000,
        "15s": 15_000,
        "1m": 60_000,
        "5m": 300_000,
        "15m": 900_000,
        "30m": 1_800_000,
        "1h": 3_600_000,
        "4h": 14_400_000,
        "1d": 86_400_000,
    }
)
DAY_START_MS = 3 * 3_600_000
"""Where a day begins after midnight UTC: the market's calendar is UTC-3."""
ROWS_MAX = MappingProxyType(
    {name: 1_500 if length_ms <= INTERVALS_MS["1m"] else 500 for name, length_ms in INTERVALS_MS.items()}
)
"""How many candles of each symbol and interval are kept here, the newest; the history has the others.

Of minutes a day's, of which tickers are made; of shorter ones what a listener may have missed.
"""
_UNFOLDED_MAX = 4_096
_SPARE = 0.25
_ANSWER_MAX = 10_000

Integers: TypeAlias = NDArray[np.int64]
_NUMBERS = [(name, np.int64) for name in ("time_ms", "open", "high", "low", "close", "volume", "trades")]
_CANDLE = np.dtype(_NUMBERS)
_CANDLE_OF_SERIES = np.dtype([("series", np.int64), *_NUMBERS])

_Times = TypeVar("_Times", int, Integers)


def bucket_start(time_ms: _Times, interval_ms: int) -> _Times:
    """Give the start of the interval that a time, or each of an array of times, falls in."""
    return (time_ms - DAY_START_MS) // interval_ms * interval_ms + DAY_START_MS


def candle_rows(
    times_ms: Integers, prices_units: Integers, quantities: Integers, series: Integers | None = None
) -> Rows:
    """Give each trade as the candle of its moment.

    Parameters
    ----------
    times_ms, prices_units, quantities : ndarray of int64, shape (n,)
        Trades in the log's order.
    series : ndarray of int64, shape (n,), optional
        A number for the symbol of each, where they are of several.
    """
    rows = np.empty(len(times_ms), _CANDLE if series is None else _CANDLE_OF_SERIES)
    if series is not None:
        rows["series"] = series
    rows["time_ms"] = times_ms
    for name in ("open", "high", "low", "close"):
        rows[name] = prices_units
    rows["volume"] = quantities
    rows["trades"] = 1
    return rows


def fold(rows: Rows, interval_ms: int) -> Rows:
    """Fold candles into longer ones.

    Parameters
    ----------
    rows : ndarray of the candle's fields, shape (n,)
        Oldest first, of several symbols one after the other; n is at least 1.
    interval_ms : int
        Length of a candle.

    Returns
    -------
    ndarray of the same fields, shape (m,)
        One row for each interval with a trade, in the same order. Cost O(n).
    """
    starts = bucket_start(rows["time_ms"], interval_ms)
    begins = np.diff(starts, prepend=starts[0] - 1) != 0
    if "series" in (rows.dtype.names or ()):
        begins |= np.diff(rows["series"], prepend=-1) != 0
    firsts = np.flatnonzero(begins)
    lasts = np.append(firsts[1:], len(starts)) - 1
    folded = rows[firsts].copy()
    folded["time_ms"] = starts[firsts]
    folded["high"] = np.maximum.reduceat(rows["high"], firsts)
    folded["low"] = np.minimum.reduceat(rows["low"], firsts)
    folded["close"] = rows["close"][lasts]
    folded["volume"] = np.add.reduceat(rows["volume"], firsts)
    folded["trades"] = np.add.reduceat(rows["trades"], firsts)
    return folded


def candles_of(times_ms: Integers, prices_units: Integers, quantities: Integers, interval_ms: int) -> Rows:
    """Fold trades of one symbol, in the log's order, into candles; shapes (n,) with n at least 1."""
    return fold(candle_rows(times_ms, prices_units, quantities), interval_ms)


def candle(row: Any, interval_ms: int, now_ms: int) -> Candle:
    """Give a row as people read it; `closed` once the log's time `now_ms` is past its end."""
    time_ms, opened, high, low, close, volume, trades = row
    return Candle(
        time_ms=time_ms,
        open=opened / UNITS_PER_CURRENCY,
        high=high / UNITS_PER_CURRENCY,
        low=low / UNITS_PER_CURRENCY,
        close=close / UNITS_PER_CURRENCY,
        volume=volume,
        trades=trades,
        closed=now_ms >= time_ms + interval_ms,
    )


class CandleSeries:
    """The newest candles of one interval, oldest first; at least `rows_max` of them once there are so many.

    `whole` tells whether all that ever were are here.
    """

    def __init__(self, interval_ms: int, *, rows_max: int) -> None:
        self.interval_ms = interval_ms
        self.whole = True
        self._rows = NewestRows(_CANDLE, kept=rows_max, room_max=rows_max + int(rows_max * _SPARE) + 1)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def first_ms(self) -> int | None:
        """The start of the oldest candle kept, if there is one."""
        return int(self._rows.rows[0]["time_ms"]) if len(self) else None

    def begin(self, rows: Rows, *, whole: bool) -> None:
        """Begin with candles that were counted elsewhere, oldest first; `whole` where there are no older."""
        assert not len(self)
        self.whole = whole
        self._append(rows)

    def add(self, rows: Rows) -> None:
        """Take in further trades, or shorter candles, in the log's order. Cost O(rows)."""
        new = fold(rows, self.interval_ms)
        if len(self) and self._rows.rows[-1]["time_ms"] == new[0]["time_ms"]:
            self._merge(self._rows.rows[-1], new[0])
            new = new[1:]
        self._append(new)

    def newest(self, *, now_ms: int) -> Candle | None:
        """Give the newest candle, if there is one."""
        return self._candle(-1, now_ms) if len(self) else None

    def previous_close_units(self) -> int | None:
        """Give the close of the candle before the newest."""
        return int(self._rows.rows[-2]["close"]) if len(self) > 1 else None

    def since(self, time_ms: int, *, now_ms: int) -> list[Candle]:
        """Give the candle of a time and all after it."""
        return self.between(bucket_start(time_ms, self.interval_ms), None, limit=_ANSWER_MAX, now_ms=now_ms)

    def since_before(self, time_ms: int, *, now_ms: int) -> list[Candle]:
        """Give the candle before that of a time, that one and all after it."""
        start_ms = bucket_start(time_ms, self.interval_ms)
        at = int(np.searchsorted(self._rows.rows["time_ms"], start_ms, side="left"))
        return [self._candle(row, now_ms) for row in range(max(at - 1, 0), len(self))]

    def between(self, start_ms: int | None, end_ms: int | None, *, limit: int, now_ms: int) -> list[Candle]:
        """Give candles that begin in [start_ms, end_ms]: the first `limit`, without a start the last."""
        times = self._rows.rows["time_ms"]
        first = 0 if start_ms is None else int(np.searchsorted(times, start_ms, side="left"))
        last = len(self) if end_ms is None else int(np.searchsorted(times, end_ms, side="right"))
        if start_ms is None:
            first = max(first, last - limit)
        return [self._candle(row, now_ms) for row in range(first, min(last, first + limit))]

    def has_before(self, time_ms: int) -> bool:
        """Tell whether the candle before that of a time is here, or there never was one."""
        first_ms = self.first_ms
        return self.whole or (first_ms is not None and first_ms < bucket_start(time_ms, self.interval_ms))

    def rows_since(self, time_ms: int) -> Rows:
        """Give the candles that begin at a time or later, as they are kept: look, do not keep."""
        times = self._rows.rows["time_ms"]
        return self._rows.rows[int(np.searchsorted(times, time_ms, side="left")) :]

    def _candle(self, index: int, now_ms: int) -> Candle:
        return candle(self._rows.rows[index].item(), self.interval_ms, now_ms)

    @staticmethod
    def _merge(row: Any, more: Any) -> None:
        row["high"] = max(row["high"], more["high"])
        row["low"] = min(row["low"], more["low"])
        row["close"] = more["close"]
        row["volume"] += more["volume"]
        row["trades"] += more["trades"]

    def _append(self, rows: Rows) -> None:
        if self._rows.append(rows):
            self.whole = False


class SymbolCandles:
    """The candles of one symbol in every interval; trades are folded into them when somebody looks."""

    def __init__(self) -> None:
        self._series = {
            name: CandleSeries(length_ms, rows_max=ROWS_MAX[name]) for name, length_ms in INTERVALS_MS.items()
        }
        self._times_ms: list[int] = []
        self._prices: list[float] = []
        self._quantities: list[int] = []

    def __getitem__(self, interval: str) -> CandleSeries:
        if self._times_ms:
            self._fold()
        return self._series[interval]

    def begin(self, interval: str, rows: Rows, *, whole: bool) -> None:
        """Begin an interval with candles that were counted elsewhere; see `CandleSeries.begin`."""
        self._series[interval].begin(rows, whole=whole)

    def add(self, times_ms: list[int], prices: list[float], quantities: list[int]) -> None:
        """Take in further trades, in the log's order; prices in the currency's unit."""
        self._times_ms += times_ms
        self._prices += prices
        self._quantities += quantities
        if len(self._times_ms) >= _UNFOLDED_MAX:
            self._fold()

    def _fold(self) -> None:
        rows = candle_rows(
            np.array(self._times_ms, np.int64),
            np.rint(np.array(self._prices) * UNITS_PER_CURRENCY).astype(np.int64),
            np.array(self._quantities, np.int64),
        )
        for interval_ms, series in zip(INTERVALS_MS.values(), self._series.values(), strict=True):
            # Each length is a multiple of the one before.
            rows = fold(rows, interval_ms)
            series.add(rows)
        self._times_ms, self._prices, self._quantities = [], [], []
