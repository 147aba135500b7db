"""The simulated investors, each kind a rule from what it sees to what it orders.

All are pure: chance comes from the dice they are given, time is an argument, and what they want done they
return as commands.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Protocol

from engine.domain import Amend, Cancel, Command, OrderType, Place, Side, TimeInForce
from homebroker.simulator.fair_price import FairPrices
from homebroker.simulator.opening import TICK_UNITS, Company
from homebroker.simulator.view import MarketView, OwnOrder, OwnOrders

_LOT = 100
_ODD_LOT_CHANCE = 0.15
_TAIL_EXPONENT = 1.6
_OF_TYPICAL_MAX = 50


class Trader(Protocol):
    """Someone who trades now and then."""

    own: OwnOrders

    def act(self, company: Company, view: MarketView, time_ms: int) -> list[Command]:
        """Decide what to do about one company's shares now."""
        ...


class MarketMaker:
    """Quotes both sides of a book around what the shares are worth, lower the more it holds.

    Parameters
    ----------
    own : OwnOrders
        Its open orders.
    fair : FairPrices
        What the shares are worth, in its opinion.
    dice : random.Random
        Where chance comes from.
    levels : int
        Quotes on each side.
    spacing_ticks : int
        Ticks from one quote to the next.
    half_spread_ticks : float
        From its middle to its best quote.
    """

    def __init__(
        self,
        own: OwnOrders,
        *,
        fair: FairPrices,
        dice: random.Random,
        levels: int,
        spacing_ticks: int,
        half_spread_ticks: float,
    ) -> None:
        self.own = own
        self._fair = fair
        self._dice = dice
        self._levels = levels
        self._spacing_ticks = spacing_ticks
        self._half_spread_ticks = half_spread_ticks
        self._middle_ticks: dict[str, float] = {}

    def requote(self, company: Company, time_ms: int) -> tuple[list[Command], list[Command]]:
        """Move the quotes of one company to where they should be.

        Returns
        -------
        tuple of list of Command
            First those that get out of the way of the price, then those that follow it.
        """
        middle = self._fair.ticks(company.symbol, time_ms) + self._lean_ticks(company)
        rising = middle >= self._middle_ticks.get(company.symbol, middle)
        self._middle_ticks[company.symbol] = middle
        half = self._half_spread_ticks / min(1.5, max(0.5, self._fair.calm(company.symbol)))
        bids = list(self._quotes(company, Side.BUY, self._ladder(Side.BUY, math.floor(middle - half))))
        asks = list(self._quotes(company, Side.SELL, self._ladder(Side.SELL, math.ceil(middle + half))))
        return (asks, bids) if rising else (bids, asks)

    def _lean_ticks(self, company: Company) -> float:
        return -3.0 * math.tanh(self.own.inventory(company.symbol) / (100 * company.typical_quantity))

    def _ladder(self, side: Side, best_ticks: int) -> list[int]:
        # On a grid, so that a small move of the middle moves one quote from the far end to the near one.
        spacing = self._spacing_ticks
        away = -1 if side is Side.BUY else 1
        nearest = best_ticks // spacing * spacing if side is Side.BUY else -(-best_ticks // spacing) * spacing
        return [(nearest + away * spacing * level) * TICK_UNITS for level in range(self._levels)]

    def _quotes(self, company: Company, side: Side, ladder: list[int]) -> Iterable[Command]:
        standing: dict[int, OwnOrder] = {}
        spare: list[OwnOrder] = []
        wanted = set(ladder)
        for order in self.own.of(company.symbol):
            if order.side is not side:
                continue
            if order.price_units in wanted and order.price_units not in standing:
                standing[order.price_units] = order
            else:
                spare.append(order)
        for level, price in enumerate(ladder):
            if price in standing or price <= 0:
                continue
            quantity = self._quantity(company, level)
            if spare:
                order = spare.pop()
                yield Amend(
                    order_id=order.order_id,
                    investor_id=self.own.investor_id,
                    quantity=order.filled_quantity + quantity,
                    price_units=price,
                )
            else:
                yield Place(
                    order_id=self.own.next_id(),
                    investor_id=self.own.investor_id,
                    symbol=company.symbol,
                    side=side,
                    quantity=quantity,
                    price_units=price,
                    time_in_force=TimeInForce.GTC,
                )
        for order in spare:
            yield Cancel(order_id=order.order_id, investor_id=self.own.investor_id)

    def _quantity(self, company: Company, level: int) -> int:
        scale = company.typical_quantity * (0.7 + 0.25 * min(level, 8)) * math.exp(self._dice.gauss(0, 0.4))
        return max(_LOT, round(scale / _LOT) * _LOT)


class NoiseTrader:
    """Buys and sells for reasons of its own: at any price now, or at a limit for a while."""

    market_share = 0.5
    open_orders_max = 40
    patience_seconds = 150.0

    def __init__(self, own: OwnOrders, *, dice: random.Random) -> None:
        self.own = own
        self._dice = dice

    def act(self, company: Company, view: MarketView, time_ms: int) -> list[Command]:
        """Place one order, or cancel one when too many are open."""
        side = Side.BUY if self._dice.random() < 0.5 else Side.SELL
        seen = view.symbol(company.symbol)
        bid, ask = seen.best(Side.BUY), seen.best(Side.SELL)
        if bid is None or ask is None:
            return []
        if self._dice.random() < self.market_share:
            return [_market_order(self.own, company, side, _quantity(self._dice, company))]
        if len(self.own) >= self.open_orders_max:
            return [Cancel(order_id=self.own.oldest(), investor_id=self.own.investor_id)]
        return [self._patient_order(company, side, bid, ask, time_ms)]

    def _patient_order(self, company: Company, side: Side, bid: int, ask: int, time_ms: int) -> Place:
        dice = self._dice
        inside = ask - bid > TICK_UNITS and dice.random() < 0.25
        behind_ticks = -1 if inside else int(dice.expovariate(1 / 5))
        patience_ms = int(1000 * dice.expovariate(1 / self.patience_seconds)) + 5_000
        price = bid - behind_ticks * TICK_UNITS if side is Side.BUY else ask + behind_ticks * TICK_UNITS
        return Place(
            order_id=self.own.next_id(),
            investor_id=self.own.investor_id,
            symbol=company.symbol,
            side=side,
            quantity=_quantity(dice, company),
            price_units=max(TICK_UNITS, price),
            time_in_force=TimeInForce.GTD,
            expires_at_ms=time_ms + patience_ms,
        )


class MomentumTrader:
    """Runs with the price once it has moved far enough."""

    def __init__(self, own: OwnOrders, *, dice: random.Random, threshold: float) -> None:
        self.own = own
        self._dice = dice
        self._threshold = threshold

    def act(
        self,
        company: Company,
        view: MarketView,
        time_ms: int,  # noqa: ARG002 - every trader is asked alike
    ) -> list[Command]:
        """Take what is on offer up to two ticks away, in the direction of the trend, or do nothing."""
        seen = view.symbol(company.symbol)
        if seen.last_price_units is None:
            return []
        trend = seen.trend_units / (seen.last_price_units * company.daily_volatility)
        if abs(trend) < self._threshold:
            return []
        side = Side.BUY if trend > 0 else Side.SELL
        best = seen.best(side.opposite)
        if best is None:
            return []
        reach = 2 * TICK_UNITS if side is Side.BUY else -2 * TICK_UNITS
        return [
            Place(
                order_id=self.own.next_id(),
                investor_id=self.own.investor_id,
                symbol=company.symbol,
                side=side,
                quantity=_quantity(self._dice, company),
                price_units=max(TICK_UNITS, best + reach),
                time_in_force=TimeInForce.IOC,
            )
        ]


def _market_order(own: OwnOrders, company: Company, side: Side, quantity: int) -> Place:
    return Place(
        order_id=own.next_id(),
        investor_id=own.investor_id,
        symbol=company.symbol,
        side=side,
        type=OrderType.MARKET,
        quantity=quantity,
        time_in_force=TimeInForce.IOC,
    )


def _quantity(dice: random.Random, company: Company) -> int:
    # Order sizes have a power-law tail; most are a lot or two, some not even whole lots.
    if dice.random() < _ODD_LOT_CHANCE:
        return dice.randint(1, _LOT - 1)
    scale = company.typical_quantity / 4
    return min(
        _OF_TYPICAL_MAX * company.typical_quantity,
        max(1, round(scale * dice.paretovariate(_TAIL_EXPONENT) / _LOT)) * _LOT,
    )
