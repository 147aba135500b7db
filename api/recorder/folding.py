"""Trades as candles of every interval that the history keeps. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Protocol, TypeAlias

import numpy as np

from api.live.candles import INTERVALS_MS, candle_rows, fold
from api.live.newest_rows import Rows
from engine.domain import UNITS_PER_CURRENCY

STORED_INTERVALS_MS = MappingProxyType(
    {name: length_ms for name, length_ms in INTERVALS_MS.items() if length_ms >= INTERVALS_MS["1m"]}
)
Candles: TypeAlias = list[tuple[str, int, int, float, float, float, float, int, int]]
"""Rows of the table `candles`: what some trades alone make of it."""


class _Trade(Protocol):
    @property
    def time_ms(self) -> int: ...
    @property
    def symbol(self) -> str: ...
    @property
    def price(self) -> float: ...
    @property
    def quantity(self) -> int: ...


def fold_trades(trades: Sequence[_Trade]) -> Candles:
    """Fold trades, in the log's order, into candles: each interval's from the next shorter one's."""
    if not trades:
        return []
    numbers: dict[str, int] = {}
    series = [numbers.setdefault(trade.symbol, len(numbers)) for trade in trades]
    rows = candle_rows(
        np.array([trade.time_ms for trade in trades], np.int64),
        np.rint(np.array([trade.price for trade in trades]) * UNITS_PER_CURRENCY).astype(np.int64),
        np.array([trade.quantity for trade in trades], np.int64),
        np.array(series, np.int64),
    )
    rows = rows[np.argsort(rows["series"], kind="stable")]
    symbols = list(numbers)
    folded: Candles = []
    for interval_ms in STORED_INTERVALS_MS.values():
        rows = fold(rows, interval_ms)
        folded += _stored(rows, symbols, interval_ms)
    return folded


def _stored(rows: Rows, symbols: Sequence[str], interval_ms: int) -> Candles:
    prices = [(rows[name] / UNITS_PER_CURRENCY).tolist() for name in ("open", "high", "low", "close")]
    return list(
        zip(
            [symbols[number] for number in rows["series"].tolist()],
            [interval_ms] * len(rows),
            rows["time_ms"].tolist(),
            *prices,
            rows["volume"].tolist(),
            rows["trades"].tolist(),
            strict=True,
        )
    )
