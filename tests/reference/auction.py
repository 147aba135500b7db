"""The uncrossing that ends an auction: one price for all."""

from __future__ import annotations

from engine.domain import ExecutionType, Phase, Side, Status, TimeInForce
from engine.messages import Message
from tests.reference.asset import Asset
from tests.reference.matching import deal_of, meet
from tests.reference.order import Order
from tests.reference.state import State

_TIMES = {Phase.CONTINUOUS: TimeInForce.AT_OPEN, Phase.CLOSED: TimeInForce.AT_CLOSE}


def orders_for(asset: Asset, phase: Phase) -> list[Order]:
    """Give the orders for the uncrossing that leads to a phase, first come first."""
    if phase not in _TIMES:
        return []
    return [order for order in asset.waiting if order.time_in_force is _TIMES[phase]]


def call_in(state: State, orders: list[Order]) -> None:
    """Bring orders into the book for the uncrossing that they waited for."""
    for order in orders:
        state.unrest(order)
        order.status = Status.NEW
        state.say(order, ExecutionType.TRIGGERED)
        state.rest(order)


def dismiss(state: State, orders: list[Order], *, auction_held: bool) -> None:
    """End what is left of the orders whose moment is over."""
    for order in orders:
        if order.is_open and auction_held:
            state.end(order, Status.EXPIRED, Message.AUCTION_OVER)
        elif order.is_open:
            state.end(order, Status.EXPIRED, Message.NO_AUCTION, symbol=order.symbol)


def uncross(state: State, asset: Asset) -> None:
    """Trade until no bid reaches an ask."""
    while (price_units := uncrossing_price(asset)) is not None:
        while pair := _next_pair(asset, price_units):
            maker, taker = sorted(pair, key=lambda order: order.accepted_offset)
            # Nobody in an auction gives the other a price to take: both pay for taking.
            rates_ppm = (maker.fees.taker_ppm, taker.fees.taker_ppm)
            quantity = min(maker.shown, taker.shown)
            meet(state, maker, taker, deal_of(quantity, price_units, *rates_ppm))


def uncrossing_price(asset: Asset) -> int | None:
    """Give the price at which the book uncrosses, or None when it is not crossed.

    Every tick from the best ask to the best bid is tried.
    """
    bid, ask = asset.best(Side.BUY), asset.best(Side.SELL)
    if bid is None or ask is None:
        return None
    tick = asset.listing.tick_size_units
    prices = range(ask.resting_price_units, bid.resting_price_units + tick, tick)
    return max(prices, key=lambda price: _merit(asset, price), default=None)


def _merit(asset: Asset, price_units: int) -> tuple[int, int, int, int]:
    buyable = sum(order.remaining_quantity for order in asset.bids if order.reaches(price_units))
    sellable = sum(order.remaining_quantity for order in asset.asks if order.reaches(price_units))
    distance = abs(price_units - asset.mark_price_units)
    return min(buyable, sellable), -abs(buyable - sellable), -distance, price_units


def _next_pair(asset: Asset, price_units: int) -> tuple[Order, Order] | None:
    bid, ask = asset.best(Side.BUY), asset.best(Side.SELL)
    if bid is None or ask is None or not bid.reaches(price_units) or not ask.reaches(price_units):
        return None
    return bid, ask
