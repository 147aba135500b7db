"""Exact OHLCV candles of one symbol, kept for every interval as trades come in."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

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
ROWS_MAX = 10_000
_UNFOLDED_MAX = 4_096

Integers: TypeAlias = NDArray[np.int64]
_CANDLE = np.dtype(
    [(name, np.int64) for name in ("time_ms", "open", "high", "low", "close", "volume", "trades")]
)
_Rows: TypeAlias = NDArray[np.void]


_Times = TypeVar("_Times", int, Integers)


def bucket_start(time_ms: _Times, interval_ms: int) -> _Times:
    """Give the start of the interval that a time, or each of an array of times, falls in."""
    return (time_ms - DAY_START_MS) // interval_ms * interval_ms + DAY_START_MS


def candles_of(times_ms: Integers, prices_units: Integers, quantities: Integers, interval_ms: int) -> _Rows:
    """Fold trades into candles.

    Parameters
    ----------
    times_ms, prices_units, quantities : ndarray of int64, shape (n,)
        Trades in the log's order, so that times never fall; n is at least 1.
    interval_ms : int
        Length of a candle.

    Returns
    -------
    ndarray of the candle's fields, shape (m,)
        One row for each interval with a trade, oldest first.
    """
    starts = bucket_start(times_ms, interval_ms)
    firsts = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    lasts = np.append(firsts[1:], len(starts)) - 1
    rows = np.empty(len(firsts), _CANDLE)
    rows["time_ms"] = starts[firsts]
    rows["open"] = prices_units[firsts]
    rows["high"] = np.maximum.reduceat(prices_units, firsts)
    rows["low"] = np.minimum.reduceat(prices_units, firsts)
    rows["close"] = prices_units[lasts]
    rows["volume"] = np.add.reduceat(quantities, firsts)
    rows["trades"] = lasts - firsts + 1
    return rows


class CandleSeries:
    """The candles of one interval, oldest first; the newest `rows_max` at least are kept."""

    def __init__(self, interval_ms: int, *, rows_max: int = ROWS_MAX) -> None:
        self.interval_ms = interval_ms
        self._rows_max = rows_max
        self._rows = np.empty(64, _CANDLE)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, times_ms: Integers, prices_units: Integers, quantities: Integers) -> None:
        """Take in further trades, in the log's order. Cost O(trades)."""
        new = candles_of(times_ms, prices_units, quantities, self.interval_ms)
        if self._count and self._rows[self._count - 1]["time_ms"] == new[0]["time_ms"]:
            self._merge(self._rows[self._count - 1], new[0])
            new = new[1:]
        self._make_room(len(new))
        self._rows[self._count : self._count + len(new)] = new
        self._count += len(new)

    def newest(self, *, now_ms: int) -> Candle | None:
        """Give the newest candle, if there is one."""
        return self._candle(self._count - 1, now_ms) if self._count else None

    def previous_close_units(self) -> int | None:
        """Give the close of the candle before the newest."""
        return int(self._rows[self._count - 2]["close"]) if self._count > 1 else None

    def since(self, time_ms: int, *, now_ms: int) -> list[Candle]:
        """Give the candle of a time and all after it."""
        return self.between(bucket_start(time_ms, self.interval_ms), None, limit=ROWS_MAX, now_ms=now_ms)

    def since_before(self, time_ms: int, *, now_ms: int) -> list[Candle]:
        """Give the candle before that of a time, that one and all after it."""
        start_ms = bucket_start(time_ms, self.interval_ms)
        at = int(np.searchsorted(self._rows["time_ms"][: self._count], start_ms, side="left"))
        return [self._candle(row, now_ms) for row in range(max(at - 1, 0), self._count)]

    def between(self, start_ms: int | None, end_ms: int | None, *, limit: int, now_ms: int) -> list[Candle]:
        """Give candles that begin in [start_ms, end_ms]: the first `limit`, without a start the last."""
        times = self._rows["time_ms"][: self._count]
        first = 0 if start_ms is None else int(np.searchsorted(times, start_ms, side="left"))
        last = self._count if end_ms is None else int(np.searchsorted(times, end_ms, side="right"))
        if start_ms is None:
            first = max(first, last - limit)
        return [self._candle(row, now_ms) for row in range(first, min(last, first + limit))]

    def _candle(self, index: int, now_ms: int) -> Candle:
        time_ms, opened, high, low, close, volume, trades = self._rows[index].item()
        return Candle(
            time_ms=time_ms,
            open=opened / UNITS_PER_CURRENCY,
            high=high / UNITS_PER_CURRENCY,
            low=low / UNITS_PER_CURRENCY,
            close=close / UNITS_PER_CURRENCY,
            volume=volume,
            trades=trades,
            closed=now_ms >= time_ms + self.interval_ms,
        )

    @staticmethod
    def _merge(row: Any, more: Any) -> None:
        row["high"] = max(row["high"], more["high"])
        row["low"] = min(row["low"], more["low"])
        row["close"] = more["close"]
        row["volume"] += more["volume"]
        row["trades"] += more["trades"]

    def _make_room(self, rows: int) -> None:
        if self._count > self._rows_max:
            kept = self._rows[self._count - self._rows_max : self._count].copy()
            self._rows[: self._rows_max] = kept
            self._count = self._rows_max
        if self._count + rows > len(self._rows):
            grown = np.empty(2 * (self._count + rows), _CANDLE)
            grown[: self._count] = self._rows[: self._count]
            self._rows = grown


class SymbolCandles:
    """The candles of one symbol in every interval; trades are folded into them when somebody looks."""

    def __init__(self) -> None:
        self._series = {name: CandleSeries(length_ms) for name, length_ms in INTERVALS_MS.items()}
        self._times_ms: list[int] = []
        self._prices: list[float] = []
        self._quantities: list[int] = []

    def __getitem__(self, interval: str) -> CandleSeries:
        if self._times_ms:
            self._fold()
        return self._series[interval]

    def add(self, times_ms: list[int], prices: list[float], quantities: list[int]) -> None:
        """Take in further trades, in the log's order; prices in the currency's unit."""
        self._times_ms += times_ms
        self._prices += prices
        self._quantities += quantities
        if len(self._times_ms) >= _UNFOLDED_MAX:
            self._fold()

    def _fold(self) -> None:
        times = np.array(self._times_ms, np.int64)
        units = np.rint(np.array(self._prices) * UNITS_PER_CURRENCY).astype(np.int64)
        shares = np.array(self._quantities, np.int64)
        for series in self._series.values():
            series.add(times, units, shares)
        self._times_ms, self._prices, self._quantities = [], [], []
