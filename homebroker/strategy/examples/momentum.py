"""A momentum trader: runs with the price while recent trades are away from those of some time ago."""

from __future__ import annotations

import math

from engine.domain import Side
from homebroker.strategy.desk import Desk
from homebroker.strategy.strategy import Strategy, TapeTrade


class Momentum(Strategy):
    """Long when the fast average of trades is above the slow one, short when below, flat in between.

    Parameters
    ----------
    quantity : int
        Shares that it holds, long or short.
    fast_seconds, slow_seconds : float
        How far back the averages reach (exponential).
    enter_bps : float
        How far apart they are, in basis points, for it to enter; it leaves at half of that.
    """

    def __init__(
        self,
        *,
        quantity: int = 100,
        fast_seconds: float = 20.0,
        slow_seconds: float = 240.0,
        enter_bps: float = 5.0,
    ) -> None:
        self._quantity = quantity
        self._seconds = (fast_seconds, slow_seconds)
        self._enter_bps = enter_bps
        self._averages: list[float] = []
        self._traded_ms = 0
        self._started_ms = 0

    def on_trade(self, desk: Desk, trade: TapeTrade) -> None:
        """Follow the price, and move to the position that it calls for."""
        if not self._averages:
            self._averages = [trade.price, trade.price]
            self._started_ms = trade.time_ms
        seconds = (trade.time_ms - self._traded_ms) / 1_000
        for place, memory in enumerate(self._seconds):
            share = -math.expm1(-seconds / memory)
            self._averages[place] += share * (trade.price - self._averages[place])
        self._traded_ms = trade.time_ms
        # An order under way is waited for: it takes what is there and is done. And so is the slow average.
        if not desk.orders and trade.time_ms - self._started_ms >= 1_000 * self._seconds[1]:
            self._move(desk, self._wanted(desk.position))

    def _wanted(self, position: int) -> int:
        fast, slow = self._averages
        trend_bps = (fast / slow - 1) * 10_000
        if abs(trend_bps) >= self._enter_bps:
            return self._quantity if trend_bps > 0 else -self._quantity
        turned = position * trend_bps < 0
        return 0 if turned or abs(trend_bps) < self._enter_bps / 2 else position

    def _move(self, desk: Desk, wanted: int) -> None:
        change = wanted - desk.position
        if change:
            desk.place(Side.BUY if change > 0 else Side.SELL, abs(change))
