"""Stop orders: those that wait for a price, and what becomes of them when a trade reaches it."""

from __future__ import annotations

from engine.domain import ExecutionType, Phase, Side, Status
from tests.reference.asset import Asset
from tests.reference.matching import bring_in
from tests.reference.order import STOP_TYPES, Order
from tests.reference.state import State


def elect(state: State, asset: Asset) -> None:
    """Trigger the stop orders that are due, and those that become due by their trades."""
    if asset.phase is not Phase.CONTINUOUS:
        return
    elected = _take_due(asset)
    while elected:
        order = elected.pop(0)
        order.status = Status.NEW
        state.touch(order.investor_id, order.symbol)
        state.say(order, ExecutionType.TRIGGERED)
        bring_in(state, order)
        elected += _take_due(asset)


def _take_due(asset: Asset) -> list[Order]:
    last = asset.last_price_units
    if last is None:
        return []
    stops = [order for order in asset.waiting if order.type in STOP_TYPES]
    buys = [order for order in stops if order.side is Side.BUY and _stop_price(order) <= last]
    sells = [order for order in stops if order.side is Side.SELL and _stop_price(order) >= last]
    # Sorting keeps the order of arrival among equals, reversed or not.
    due = sorted(buys, key=_stop_price) + sorted(sells, key=_stop_price, reverse=True)
    for order in due:
        asset.waiting.remove(order)
    return due


def _stop_price(order: Order) -> int:
    assert order.stop_price_units is not None, "it is a stop order"
    return order.stop_price_units
