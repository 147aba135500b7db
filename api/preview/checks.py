"""The engine's rules, as far as the live view can tell what they say; in the order of docs/rules.md.

Ids that were used, orders a second and how full the market is only the engine knows.
"""

from __future__ import annotations

from msgspec import Struct

from api.preview.matching import Walk, crosses, fillable_quantity
from api.preview.situation import Funds, Listing, Situation
from engine.domain import (
    BALANCE_UNITS_MAX,
    HOUSE_ID,
    ORDER_VALUE_UNITS_MAX,
    OrderType,
    Phase,
    Place,
    Side,
    TimeInForce,
)
from engine.messages import SENTENCES, Message
from engine.units import decimal_from_units

RESTING_TIMES = frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD})
AUCTION_TIMES = frozenset({TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE})
STOP_TYPES = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_PRICED_TYPES = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_DISPLAY_PARTS_MAX = 1_000


class RefusedError(Exception):
    """The engine would refuse the order."""

    def __init__(self, message: Message, **values: object) -> None:
        sentence = SENTENCES[message]
        super().__init__(message)
        self.reason = sentence.reason
        self.text = sentence.template.format(**values)


class Needs(Struct, frozen=True, kw_only=True):
    """What must be free for an order, of cash or of shares."""

    cash_units: int
    shares: int


def check_investor(place: Place, funds: Funds | None) -> Funds:
    """Check who places it; raises `RefusedError`, as all checks here do."""
    if place.investor_id == HOUSE_ID:
        raise RefusedError(Message.HOUSE_TRADES_NOT, investor_id=place.investor_id)
    if funds is None:
        raise RefusedError(Message.NO_ACCOUNT, investor_id=place.investor_id)
    if funds.trading_disabled:
        raise RefusedError(Message.TRADING_DISABLED)
    return funds


def check_fields(place: Place, situation: Situation) -> None:
    """Check what the order says against its asset's rules."""
    listing = situation.listing
    _check_phase(place, listing)
    _check_given(place.stop_price_units, place, "STOP_PRICE", wanted=place.type in STOP_TYPES)
    if place.quantity % listing.lot:
        raise RefusedError(Message.LOT, symbol=place.symbol, count=listing.lot, number=place.quantity)
    _check_given(place.price_units, place, "PRICE", wanted=place.type in _PRICED_TYPES)
    for price_units in (place.price_units, place.stop_price_units):
        if price_units is not None:
            _check_price(price_units, listing)
    may_rest = place.type is OrderType.LIMIT and place.time_in_force in RESTING_TIMES
    if place.post_only and not may_rest:
        raise RefusedError(Message.POST_ONLY_TYPE)
    if place.display_quantity is not None:
        if not may_rest:
            raise RefusedError(Message.DISPLAY_TYPE)
        _check_display(place.display_quantity, place.quantity, listing.lot)
    if place.time_in_force in AUCTION_TIMES:
        _check_auction_order(place, listing)
    elif place.type in STOP_TYPES and place.time_in_force not in RESTING_TIMES:
        raise RefusedError(Message.STOP_WAITS, type=place.type)
    if place.time_in_force is TimeInForce.GTD:
        if place.expires_at_ms is None or place.expires_at_ms <= situation.time_ms:
            raise RefusedError(Message.NEEDS_EXPIRY)
    elif place.expires_at_ms is not None:
        raise RefusedError(Message.TAKES_NO_EXPIRY)


def check_size(place: Place, price_units: int | None, listing: Listing, funds: Funds) -> None:
    """Check what the order is worth, and what the account would hold with it."""
    if price_units is None and place.type is OrderType.MARKET:
        _check_own_value((listing.last_units or listing.reference_units) * place.quantity, funds)
        return
    told = price_units or place.stop_price_units
    assert told is not None, "all other orders have a price by now"
    value_units = told * place.quantity
    if value_units > ORDER_VALUE_UNITS_MAX:
        raise RefusedError(Message.ORDER_VALUE)
    _check_own_value(value_units, funds)
    needed = needs(place, price_units, listing, None).cash_units
    if funds.held_units + needed > BALANCE_UNITS_MAX:
        raise RefusedError(Message.ORDER_VALUE)


def check_open_orders(funds: Funds) -> None:
    """Check that the account may have another open order."""
    if funds.open_orders_max is not None and funds.open_orders >= funds.open_orders_max:
        raise RefusedError(Message.OPEN_ORDERS, count=funds.open_orders_max)


def check_book(place: Place, price_units: int | None, situation: Situation) -> None:
    """Check the order against what is offered."""
    offered = situation.offered(place.side)
    may_cross = place.post_only and situation.listing.phase is Phase.CONTINUOUS and offered
    if may_cross and crosses(place.side, price_units, offered[0][0]):
        raise RefusedError(Message.WOULD_CROSS)
    whole = place.time_in_force is TimeInForce.FOK
    if whole and fillable_quantity(place, price_units, situation) < place.quantity:
        raise RefusedError(Message.NOT_WHOLE)


def needs(place: Place, price_units: int | None, listing: Listing, walk: Walk | None) -> Needs:
    """Give what the order needs; a fill-or-kill one without a price all that its walk would cost."""
    if place.side is Side.SELL:
        return Needs(cash_units=0, shares=place.quantity)
    worst = price_units or listing.worst_units or place.stop_price_units
    cash_units = 0 if worst is None else place.quantity * listing.fees.share_cost_units(worst)
    if walk is not None and place.time_in_force is TimeInForce.FOK and price_units is None:
        costs = (quantity * listing.fees.share_cost_units(price) for price, quantity in walk.fills)
        cash_units = max(cash_units, sum(costs))
    return Needs(cash_units=cash_units, shares=0)


def check_cover(needed: Needs, symbol: str, funds: Funds) -> None:
    """Check that what the order needs is free."""
    if funds.is_unlimited:
        return
    if needed.cash_units > funds.free_units:
        raise RefusedError(
            Message.NEEDS_CASH,
            price=decimal_from_units(needed.cash_units),
            detail=decimal_from_units(funds.free_units),
        )
    if needed.shares > funds.free_quantity:
        raise RefusedError(
            Message.NEEDS_SHARES, symbol=symbol, count=needed.shares, number=funds.free_quantity
        )


def _check_phase(place: Place, listing: Listing) -> None:
    if listing.phase in {Phase.HALTED, Phase.CLOSED}:
        raise RefusedError(Message.HALTED, symbol=place.symbol, phase=listing.phase)
    waits = place.type in _PRICED_TYPES | STOP_TYPES and place.time_in_force in RESTING_TIMES
    for_auction = place.time_in_force in AUCTION_TIMES
    if listing.phase is Phase.AUCTION and not waits and not for_auction:
        raise RefusedError(Message.AUCTION, symbol=place.symbol)
    if listing.phase is Phase.CONTINUOUS and place.time_in_force is TimeInForce.AT_OPEN:
        raise RefusedError(Message.OPEN_ALREADY, symbol=place.symbol)


def _check_auction_order(place: Place, listing: Listing) -> None:
    if place.type not in {OrderType.LIMIT, OrderType.MARKET}:
        raise RefusedError(Message.AUCTION_TYPE, type=place.type)
    if place.type is OrderType.MARKET and listing.reach_units is None:
        raise RefusedError(Message.NEEDS_BAND, symbol=place.symbol)


def _check_given(value: int | None, place: Place, what: str, *, wanted: bool) -> None:
    if value is None and wanted:
        raise RefusedError(Message[f"NEEDS_{what}"], type=place.type)
    if value is not None and not wanted:
        raise RefusedError(Message[f"TAKES_NO_{what}"], type=place.type)


def _check_price(price_units: int, listing: Listing) -> None:
    price = decimal_from_units(price_units)
    if price_units % listing.tick_units:
        tick = decimal_from_units(listing.tick_units)
        raise RefusedError(Message.TICK, symbol=listing.symbol, detail=tick, price=price)
    reach = listing.reach_units
    if reach is not None and abs(price_units - listing.reference_units) > reach:
        raise RefusedError(Message.BAND, symbol=listing.symbol, detail=decimal_from_units(reach), price=price)


def _check_display(display_quantity: int, quantity: int, lot: int) -> None:
    if display_quantity % lot or not display_quantity <= quantity <= display_quantity * _DISPLAY_PARTS_MAX:
        raise RefusedError(Message.DISPLAY_QUANTITY)


def _check_own_value(value_units: int, funds: Funds) -> None:
    limit = funds.order_value_max_units
    if limit is not None and value_units > limit:
        value, most = decimal_from_units(value_units), decimal_from_units(limit)
        raise RefusedError(Message.ACCOUNT_ORDER_VALUE, price=value, detail=most)
