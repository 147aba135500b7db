"""The simulated investors: strategies like any other, each with dice and a purpose of its own.

They run wherever strategies do: in the simulated market by turns (see `crowd`), in `backtest` and live by
their timers.
"""

from __future__ import annotations

import math
import random
from typing import Final, Protocol

from engine.domain import Side, TimeInForce
from homebroker.strategy.desk import Desk, OpenOrder
from homebroker.strategy.strategy import Strategy, TapeTrade

_LOT: Final = 100
_ODD_LOT_CHANCE: Final = 0.15
_TAIL_EXPONENT: Final = 1.6
_OF_TYPICAL_MAX: Final = 50
_SIDES: Final = (Side.BUY, Side.SELL)


class Worth(Protocol):
    """An opinion of what a share is worth."""

    def price(self, time_ms: int) -> float:
        """Give what it is worth at a time, in the currency's unit."""
        ...

    def calm(self) -> float:
        """Give how calm the market is: 1 as usual, less when prices move more."""
        ...


class MarketMaker(Strategy):
    """Quotes both sides of a book around what the shares are worth, lower the more it holds.

    First it gets out of the price's way. It follows the price once the book shows what came of that, so
    that it does not run into the quotes of a colleague who was about to move them.

    Parameters
    ----------
    worth : Worth, optional
        Its opinion; the middle of the book where left out.
    quantity : int
        What its quotes show, typically.
    levels : int
        Quotes on each side.
    spacing_ticks : int
        Ticks from one quote to the next.
    half_spread_ticks : float
        From its middle to its best quote.
    seed : int or str
        Its dice.
    """

    def __init__(
        self,
        *,
        worth: Worth | None = None,
        quantity: int = 400,
        levels: int = 10,
        spacing_ticks: int = 1,
        half_spread_ticks: float = 0.55,
        seed: int | str = 1,
        timer_ms: int = 1_000,
    ) -> None:
        self.timer_ms = timer_ms
        self._worth = worth
        self._typical_quantity = quantity
        self._levels = levels
        self._spacing_ticks = spacing_ticks
        self._half_spread_ticks = half_spread_ticks
        self._dice = _dice(seed)
        self._middle_ticks: float | None = None
        self._following: tuple[Side, list[int]] | None = None

    def on_start(self, desk: Desk) -> None:
        """Quote."""
        self._requote(desk)

    def on_timer(self, desk: Desk) -> None:
        """Move the quotes to where they should be."""
        self._requote(desk)

    def on_book(self, desk: Desk) -> None:
        """Follow the price, if that is still to be done."""
        if self._following is not None:
            side, ladder = self._following
            self._following = None
            self._quote(desk, side, ladder)

    def _requote(self, desk: Desk) -> None:
        self._following = None
        worth = desk.book.middle if self._worth is None else self._worth.price(desk.time_ms)
        if worth is None:
            return
        middle = worth / desk.tick_size + self._lean_ticks(desk)
        rising = self._middle_ticks is None or middle >= self._middle_ticks
        self._middle_ticks = middle
        calm = 1.0 if self._worth is None else self._worth.calm()
        half = self._half_spread_ticks / min(1.5, max(0.5, calm))
        ladders = {
            Side.BUY: self._ladder(Side.BUY, math.floor(middle - half)),
            Side.SELL: self._ladder(Side.SELL, math.ceil(middle + half)),
        }
        retreating = Side.SELL if rising else Side.BUY
        following = retreating.opposite
        if self._quote(desk, retreating, ladders[retreating]):
            self._following = (following, ladders[following])
        else:
            self._quote(desk, following, ladders[following])

    def _lean_ticks(self, desk: Desk) -> float:
        return -3.0 * math.tanh(desk.position / (100 * self._typical_quantity))

    def _ladder(self, side: Side, best_ticks: int) -> list[int]:
        # On a grid, so that a small move of the middle moves one quote from the far end to the near one.
        spacing = self._spacing_ticks
        away = -1 if side is Side.BUY else 1
        nearest = best_ticks // spacing * spacing if side is Side.BUY else -(-best_ticks // spacing) * spacing
        return [nearest + away * spacing * level for level in range(self._levels)]

    def _quote(self, desk: Desk, side: Side, ladder: list[int]) -> bool:
        """Have one quote at each step of a ladder; tell whether one that stood elsewhere was moved."""
        standing: set[int] = set()
        spare: list[OpenOrder] = []
        for order in desk.orders.values():
            if order.side is side and order.price is not None:
                ticks = round(order.price / desk.tick_size)
                if ticks in ladder and ticks not in standing:
                    standing.add(ticks)
                else:
                    spare.append(order)
        moved = bool(spare)
        for level, ticks in enumerate(ladder):
            if ticks in standing or ticks <= 0:
                continue
            quantity, price = self._quantity(level), ticks * desk.tick_size
            if spare:
                order = spare.pop()
                desk.amend(order.order_id, quantity=order.filled + quantity, price=price)
            else:
                desk.place(side, quantity, price)
        for order in spare:
            desk.cancel(order.order_id)
        return moved

    def _quantity(self, level: int) -> int:
        scale = self._typical_quantity * (0.7 + 0.25 * min(level, 8)) * math.exp(self._dice.gauss(0, 0.4))
        return max(_LOT, round(scale / _LOT) * _LOT)


class NoiseTrader(Strategy):
    """Buys and sells for reasons of its own: at any price now, or at a limit for a while.

    Parameters
    ----------
    quantity : int
        Its orders are of about a quarter of this, now and then of far more.
    market_share : float
        How many of its orders are at any price.
    open_orders_max : int
        With so many it cancels the oldest instead.
    patience_seconds : float
        How long a limit order stays, on average.
    seed : int or str
        Its dice.
    """

    def __init__(
        self,
        *,
        quantity: int = 400,
        market_share: float = 0.5,
        open_orders_max: int = 5,
        patience_seconds: float = 150.0,
        seed: int | str = 1,
        timer_ms: int = 5_000,
    ) -> None:
        self.timer_ms = timer_ms
        self._typical_quantity = quantity
        self._market_share = market_share
        self._open_orders_max = open_orders_max
        self._patience_seconds = patience_seconds
        self._dice = _dice(seed)

    def on_timer(self, desk: Desk) -> None:
        """Place one order, or cancel one when too many are open; wait for a book with two sides."""
        side = _SIDES[self._dice.random() < 0.5]
        bid, ask = desk.book.bid, desk.book.ask
        if bid is None or ask is None:
            return
        if self._dice.random() < self._market_share:
            desk.place(side, _quantity(self._dice, self._typical_quantity))
            return
        resting = [order.order_id for order in desk.orders.values() if order.price is not None]
        if len(resting) >= self._open_orders_max:
            desk.cancel(resting[0])
        else:
            self._wait(desk, side, bid, ask)

    def _wait(self, desk: Desk, side: Side, bid: float, ask: float) -> None:
        dice, tick = self._dice, desk.tick_size
        inside = ask - bid > 1.5 * tick and dice.random() < 0.25
        behind_ticks = -1 if inside else int(dice.expovariate(1 / 5))
        patience_ms = int(1000 * dice.expovariate(1 / self._patience_seconds)) + 5_000
        price = bid - behind_ticks * tick if side is Side.BUY else ask + behind_ticks * tick
        desk.place(
            side,
            _quantity(dice, self._typical_quantity),
            max(tick, price),
            expires_at_ms=desk.time_ms + patience_ms,
        )


class MomentumTrader(Strategy):
    """Runs with the price once recent trades are far enough from those of the last minutes.

    Parameters
    ----------
    quantity : int
        Its orders are of about a quarter of this, now and then of far more.
    enter_bps : float
        How far, in basis points.
    fast_seconds, slow_seconds : float
        How far back the two averages of trades reach (exponential).
    reach_ticks : int
        It takes what is on offer up to so far from the best price.
    seed : int or str
        Its dice.
    """

    def __init__(
        self,
        *,
        quantity: int = 400,
        enter_bps: float = 6.0,
        fast_seconds: float = 20.0,
        slow_seconds: float = 240.0,
        reach_ticks: int = 2,
        seed: int | str = 1,
        timer_ms: int = 5_000,
    ) -> None:
        self.timer_ms = timer_ms
        self._typical_quantity = quantity
        self._enter = enter_bps / 10_000
        self._fast_seconds = fast_seconds
        self._slow_seconds = slow_seconds
        self._reach_ticks = reach_ticks
        self._dice = _dice(seed)
        self._last = self._fast = self._slow = 0.0
        self._traded_ms = 0

    def on_trade(self, desk: Desk, trade: TapeTrade) -> None:  # noqa: ARG002 - it waits for its turn
        """Follow the price."""
        if not self._last:
            self._fast = self._slow = trade.price
        seconds = max(0.0, (trade.time_ms - self._traded_ms) / 1_000)
        self._fast += (trade.price - self._fast) * -math.expm1(-seconds / self._fast_seconds)
        self._slow += (trade.price - self._slow) * -math.expm1(-seconds / self._slow_seconds)
        self._traded_ms = trade.time_ms
        self._last = trade.price

    def on_timer(self, desk: Desk) -> None:
        """Take what is on offer, in the direction of the trend, or do nothing."""
        trend = (self._fast - self._slow) / self._last if self._last else 0.0
        if abs(trend) < self._enter:
            return
        side = Side.BUY if trend > 0 else Side.SELL
        best = desk.book.ask if side is Side.BUY else desk.book.bid
        if best is None:
            return
        reach = self._reach_ticks * desk.tick_size * (1 if side is Side.BUY else -1)
        desk.place(
            side,
            _quantity(self._dice, self._typical_quantity),
            max(desk.tick_size, best + reach),
            time_in_force=TimeInForce.IOC,
        )


def _dice(seed: int | str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a simulation's dice, not a secret


def _quantity(dice: random.Random, typical_quantity: int) -> int:
    # Order sizes have a power-law tail; most are a lot or two, some not even whole lots.
    if dice.random() < _ODD_LOT_CHANCE:
        return dice.randint(1, _LOT - 1)
    scale = typical_quantity / 4
    return min(
        _OF_TYPICAL_MAX * typical_quantity,
        max(1, round(scale * dice.paretovariate(_TAIL_EXPONENT) / _LOT)) * _LOT,
    )
