"""The rules that a new or amended order must meet, in the order in which docs/rules.md lists them."""

from __future__ import annotations

from engine.domain import BALANCE_UNITS_MAX, ORDER_VALUE_UNITS_MAX, OrderType, Phase, Place, Side, TimeInForce
from engine.messages import Message
from engine.units import decimal_from_units
from tests.reference.asset import Asset
from tests.reference.limits import check_own_value
from tests.reference.order import AUCTION_TIMES, RESTING_TIMES, STOP_TYPES, Order
from tests.reference.refusal import Refusal
from tests.reference.state import State

_PRICED_TYPES = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_DISPLAY_PARTS_MAX = 1_000


def check_place(place: Place, state: State, asset: Asset) -> None:
    """Check a new order against its asset's rules; raises `Refusal`."""
    _check_id(place.order_id, state)
    _check_phase(place, asset)
    _check_given(place.stop_price_units, place, STOP_TYPES, "STOP_PRICE")
    check_lot(place.quantity, asset)
    _check_given(place.price_units, place, _PRICED_TYPES, "PRICE")
    for price_units in (place.price_units, place.stop_price_units):
        if price_units is not None:
            check_price(price_units, asset)
    may_rest = place.type is OrderType.LIMIT and place.time_in_force in RESTING_TIMES
    if place.post_only and not may_rest:
        raise Refusal(Message.POST_ONLY_TYPE)
    if place.display_quantity is not None:
        if not may_rest:
            raise Refusal(Message.DISPLAY_TYPE)
        _check_display(place.display_quantity, place.quantity, asset)
    if place.time_in_force in AUCTION_TIMES:
        _check_auction_order(place, asset)
    elif place.type in STOP_TYPES and place.time_in_force not in RESTING_TIMES:
        raise Refusal(Message.STOP_WAITS, type=place.type)
    _check_expiry(place, state.time_ms)


def check_amend(order: Order, quantity: int, price_units: int | None, asset: Asset) -> None:
    """Check what an open order is to become against its asset's rules; raises `Refusal`."""
    check_lot(quantity, asset)
    if price_units is not None:
        if order.type is OrderType.STOP:
            raise Refusal(Message.TAKES_NO_PRICE, type=order.type)
        check_price(price_units, asset)
    if quantity <= order.filled_quantity:
        raise Refusal(Message.FILLED_ALREADY, count=order.filled_quantity)
    if order.display_quantity is not None and order.display_quantity * _DISPLAY_PARTS_MAX < quantity:
        raise Refusal(Message.DISPLAY_QUANTITY)


def check_takes_changes(asset: Asset) -> None:
    """Check that orders may be placed and amended now; raises `Refusal`."""
    if asset.phase in {Phase.HALTED, Phase.CLOSED}:
        raise Refusal(Message.HALTED, symbol=asset.listing.symbol, phase=asset.phase)


def check_lot(quantity: int, asset: Asset) -> None:
    """Check that shares come in whole lots; raises `Refusal`."""
    lot = asset.listing.lot_size
    if quantity % lot:
        raise Refusal(Message.LOT, symbol=asset.listing.symbol, count=lot, number=quantity)


def check_price(price_units: int, asset: Asset) -> None:
    """Check a price against the asset's tick and band; raises `Refusal`."""
    listing, price = asset.listing, decimal_from_units(price_units)
    if price_units % listing.tick_size_units:
        tick = decimal_from_units(listing.tick_size_units)
        raise Refusal(Message.TICK, symbol=listing.symbol, detail=tick, price=price)
    reach = asset.reach_units
    if reach is not None and abs(price_units - listing.reference_price_units) > reach:
        raise Refusal(Message.BAND, symbol=listing.symbol, detail=decimal_from_units(reach), price=price)


def check_size(state: State, order: Order, asset: Asset, *, before: Order | None = None) -> None:
    """Check what an order is worth, and what a buy's account would hold with it; raises `Refusal`.

    `before` is what an amended one was: its worth is only checked when it grows.
    """
    account = state.accounts[order.investor_id]
    price_units = order.price_units or order.stop_price_units
    if price_units is None:
        check_own_value(account, asset.mark_price_units * order.quantity)
        return
    before_units = 0 if before is None else (before.price_units or price_units) * before.quantity
    if price_units * order.quantity > before_units:
        if price_units * order.quantity > ORDER_VALUE_UNITS_MAX:
            raise Refusal(Message.ORDER_VALUE)
        check_own_value(account, price_units * order.quantity)
    if order.side is Side.BUY:
        others_units = state.held_cash_units(order.investor_id, without=order.order_id)
        if others_units + order.needed_units > BALANCE_UNITS_MAX:
            raise Refusal(Message.ORDER_VALUE)


def _check_id(order_id: str, state: State) -> None:
    ended = state.days_ended.get(order_id)
    if order_id in state.orders or (ended is not None and ended >= state.day - 1):
        raise Refusal(Message.DUPLICATE_ORDER_ID, order_id=order_id)


def _check_phase(place: Place, asset: Asset) -> None:
    check_takes_changes(asset)
    waits = place.type in _PRICED_TYPES | STOP_TYPES and place.time_in_force in RESTING_TIMES
    for_auction = place.time_in_force in AUCTION_TIMES
    if asset.phase is Phase.AUCTION and not waits and not for_auction:
        raise Refusal(Message.AUCTION, symbol=place.symbol)
    if asset.phase is Phase.CONTINUOUS and place.time_in_force is TimeInForce.AT_OPEN:
        raise Refusal(Message.OPEN_ALREADY, symbol=place.symbol)


def _check_auction_order(place: Place, asset: Asset) -> None:
    if place.type not in {OrderType.LIMIT, OrderType.MARKET}:
        raise Refusal(Message.AUCTION_TYPE, type=place.type)
    if place.type is OrderType.MARKET and asset.reach_units is None:
        raise Refusal(Message.NEEDS_BAND, symbol=place.symbol)


def _check_given(value: int | None, place: Place, types: frozenset[OrderType], what: str) -> None:
    if value is None and place.type in types:
        raise Refusal(Message[f"NEEDS_{what}"], type=place.type)
    if value is not None and place.type not in types:
        raise Refusal(Message[f"TAKES_NO_{what}"], type=place.type)


def _check_display(display_quantity: int, quantity: int, asset: Asset) -> None:
    in_lots = display_quantity % asset.listing.lot_size == 0
    if not in_lots or not display_quantity <= quantity <= display_quantity * _DISPLAY_PARTS_MAX:
        raise Refusal(Message.DISPLAY_QUANTITY)


def _check_expiry(place: Place, time_ms: int) -> None:
    if place.time_in_force is TimeInForce.GTD:
        if place.expires_at_ms is None or place.expires_at_ms <= time_ms:
            raise Refusal(Message.NEEDS_EXPIRY)
    elif place.expires_at_ms is not None:
        raise Refusal(Message.TAKES_NO_EXPIRY)
