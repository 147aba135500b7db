"""What investors may do with orders: place, cancel, amend; and what time does to them."""

from __future__ import annotations

from dataclasses import replace

from engine.domain import (
    HOUSE_ID,
    Amend,
    Cancel,
    CancelAll,
    ExecutionType,
    OrderType,
    Phase,
    Place,
    Side,
    Status,
    TimeInForce,
)
from engine.messages import Message
from tests.reference.asset import Asset
from tests.reference.checks import check_amend, check_place, check_size, check_takes_changes
from tests.reference.cover import check_cover, check_free_cash, check_free_shares
from tests.reference.limits import check_may_trade, check_open_orders
from tests.reference.matching import bring_in, can_fill, cost_to_fill, would_cross
from tests.reference.order import AUCTION_TIMES, Order, order_from
from tests.reference.refusal import Refusal
from tests.reference.state import DAY_MS, DAY_STARTS_MS, State


def place_order(state: State, place: Place) -> None:
    """Accept a new order and bring it in; raises `Refusal`."""
    account = state.account(place.investor_id)
    if place.investor_id == HOUSE_ID:
        raise Refusal(Message.HOUSE_TRADES_NOT, investor_id=place.investor_id)
    check_may_trade(state, place)
    asset = state.asset(place.symbol)
    check_place(place, state, asset)
    order = order_from(
        place,
        accepted_offset=state.offset,
        expires_at_ms=_expiry(place, state),
        fees=asset.fees,
        worst_price_units=asset.worst_price_units,
    )
    if order.type is OrderType.MARKET and order.time_in_force in AUCTION_TIMES:
        order.price_units = asset.edge_units(order.side)
    if not _takes_price(order):
        check_size(state, order, asset)
    check_open_orders(state, account)
    _check_against_book(state, order, asset)
    _check_new_cover(state, order, asset)
    state.orders[order.order_id] = order
    state.days_ended.pop(order.order_id, None)
    state.say(order, ExecutionType.NEW)
    if order.waits:
        state.rest(order)
    else:
        bring_in(state, order)


def cancel_order(state: State, cancel: Cancel) -> None:
    """Cancel one order; raises `Refusal`."""
    state.end(_own_order(state, cancel), Status.CANCELED)


def cancel_all(state: State, cancel: CancelAll) -> None:
    """Cancel an investor's orders, of one symbol or of all; raises `Refusal`."""
    state.account(cancel.investor_id)
    if cancel.symbol is not None:
        state.asset(cancel.symbol)
    own = [order for order in state.orders_of(cancel.investor_id) if cancel.symbol in {None, order.symbol}]
    if not own:
        raise Refusal(Message.NOTHING_TO_CANCEL)
    for order in own:
        state.end(order, Status.CANCELED)


def amend_order(state: State, amend: Amend) -> None:
    """Change an order's total quantity, its price, or both; raises `Refusal`."""
    check_may_trade(state, amend)
    order = _own_order(state, amend)
    asset = state.assets[order.symbol]
    check_takes_changes(asset)
    quantity = amend.quantity or order.quantity
    price_units = amend.price_units or order.price_units
    check_amend(order, quantity, price_units, asset)
    amended = replace(order, quantity=quantity, price_units=price_units)
    check_size(state, amended, asset, before=order)
    if order.post_only and price_units is not None:
        _check_passive(order.side, price_units, asset)
    _check_more_cover(state, order, amended)
    if price_units == order.price_units and quantity <= order.quantity:
        order.quantity = quantity
        if not order.waits:
            order.shown = min(order.shown, order.remaining_quantity)
            asset.mark(order)
        state.touch(order.investor_id, order.symbol)
        state.say(order, ExecutionType.REPLACED)
        return
    state.unrest(order)
    order.quantity, order.price_units = quantity, price_units
    state.say(order, ExecutionType.REPLACED)
    if order.waits:
        state.rest(order)
    else:
        bring_in(state, order)


def expire_due(state: State) -> None:
    """End the orders whose time has come: by time, then by acceptance."""
    due = [
        order
        for order in state.orders.values()
        if order.expires_at_ms is not None and order.expires_at_ms <= state.time_ms
    ]
    for order in sorted(due, key=lambda order: order.expires_at_ms or 0):
        state.end(order, Status.EXPIRED)


def _check_against_book(state: State, order: Order, asset: Asset) -> None:
    if order.type is OrderType.MARKET_TO_LIMIT:
        best = asset.best(order.side.opposite)
        if best is None:
            raise Refusal(Message.NO_PRICE_TO_TAKE)
        order.price_units = best.price_units
    if _takes_price(order):
        check_size(state, order, asset)
    if order.post_only and order.price_units is not None:
        _check_passive(order.side, order.price_units, asset)
    if order.time_in_force is TimeInForce.FOK and not can_fill(asset, order):
        raise Refusal(Message.NOT_WHOLE)


def _takes_price(order: Order) -> bool:
    """Tell whether an order's price is the market's, not the investor's."""
    for_auction = order.type is OrderType.MARKET and order.time_in_force in AUCTION_TIMES
    return for_auction or order.type is OrderType.MARKET_TO_LIMIT


def _check_new_cover(state: State, order: Order, asset: Asset) -> None:
    cash_units = order.needed_units
    if order.time_in_force is TimeInForce.FOK and order.price_units is None:
        cash_units = max(cash_units, cost_to_fill(asset, order))
    check_cover(state, order, cash_units=cash_units)


def _check_more_cover(state: State, order: Order, amended: Order) -> None:
    if state.accounts[order.investor_id].unlimited:
        return
    if order.side is Side.BUY:
        more_units = amended.needed_units - order.needed_units
        check_free_cash(more_units, state.free_cash_units(order.investor_id))
    else:
        more = amended.remaining_quantity - order.remaining_quantity
        check_free_shares(order.symbol, more, state.free_quantity(order.investor_id, order.symbol))


def _check_passive(side: Side, price_units: int, asset: Asset) -> None:
    if asset.phase is Phase.CONTINUOUS and would_cross(asset, side, price_units):
        raise Refusal(Message.WOULD_CROSS)


def _own_order(state: State, command: Cancel | Amend) -> Order:
    order = state.orders.get(command.order_id)
    if order is None:
        raise Refusal(Message.NO_OPEN_ORDER, order_id=command.order_id)
    if order.investor_id != command.investor_id:
        raise Refusal(Message.NOT_OWNER, order_id=command.order_id)
    return order


def _expiry(place: Place, state: State) -> int | None:
    if place.time_in_force in {TimeInForce.DAY, *AUCTION_TIMES}:
        return (state.day + 1) * DAY_MS + DAY_STARTS_MS
    return place.expires_at_ms
