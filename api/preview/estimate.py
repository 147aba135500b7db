"""What an order would do now."""

from __future__ import annotations

from msgspec import Struct

from api.preview import checks
from api.preview.checks import RefusedError
from api.preview.matching import Walk, walk
from api.preview.situation import Funds, Listing, PriceQuantity, Situation
from engine.domain import OrderType, Phase, Place, Side
from engine.messages import Message

_NOTHING = Walk([])


class Estimate(Struct, frozen=True, kw_only=True):
    """What an order would do, and why it would not be taken.

    `fills` are prices and quantities that would trade at once; `resting_quantity` would rest in the book, or
    wait for the stop price or the auction, and hold `held_units` of cash or as many shares;
    `expiring_quantity` would end.
    `fee_units` is the estimated fee of the fills.
    """

    fills: list[PriceQuantity]
    resting_quantity: int
    expiring_quantity: int
    fee_units: int
    held_units: int
    needed_units: int
    refusal: RefusedError | None


def estimate(place: Place, situation: Situation) -> Estimate:
    """Reckon what an order would do if it came now. Pure; cost O(levels met).

    Hidden shares are not known, so more may trade than is told; an order that only some of the rules would
    refuse is walked all the same, for the trader to see what it would come to.
    """
    try:
        funds = checks.check_investor(place, situation.funds)
        checks.check_fields(place, situation)
        price_units = _price_units(place, situation, funds)
    except RefusedError as refusal:
        return _nothing(refusal)
    listing = situation.listing
    comes_in = _comes_in(place, listing)
    taken = walk(place, price_units, situation, funds) if comes_in else _NOTHING
    uncovered = walk(place, price_units, situation, None) if comes_in else _NOTHING
    needed = checks.needs(place, price_units, listing, uncovered)
    refused = _refusal(place, price_units, situation, funds, needed)
    left = place.quantity - taken.quantity
    may_rest = price_units is not None and place.time_in_force in checks.RESTING_TIMES
    rests = not comes_in or (may_rest and not (taken.meets_own or taken.lacks_cash))
    resting = left if rests else 0
    return Estimate(
        fills=taken.fills,
        resting_quantity=resting,
        expiring_quantity=left - resting,
        fee_units=sum(listing.fees.taker_units(price * quantity) for price, quantity in taken.fills),
        held_units=needed.cash_units // place.quantity * resting,
        needed_units=needed.cash_units,
        refusal=refused,
    )


def _refusal(
    place: Place, price_units: int | None, situation: Situation, funds: Funds, needed: checks.Needs
) -> RefusedError | None:
    try:
        # Without a price of its own an order's size is known only once the book was looked at.
        takes_price = price_units != place.price_units
        if not takes_price:
            checks.check_size(place, price_units, situation.listing, funds)
        checks.check_open_orders(funds)
        if takes_price:
            checks.check_size(place, price_units, situation.listing, funds)
        checks.check_book(place, price_units, situation)
        checks.check_cover(needed, place.symbol, funds)
    except RefusedError as refusal:
        return refusal
    return None


def _price_units(place: Place, situation: Situation, funds: Funds) -> int | None:
    if place.type is OrderType.MARKET and place.time_in_force in checks.AUCTION_TIMES:
        return situation.listing.edge_units(place.side)
    if place.type is not OrderType.MARKET_TO_LIMIT:
        return place.price_units
    offered = situation.offered(place.side)
    if not offered:
        checks.check_open_orders(funds)
        raise RefusedError(Message.NO_PRICE_TO_TAKE)
    return offered[0][0]


def _comes_in(place: Place, listing: Listing) -> bool:
    """Tell whether it would trade on arrival: not in an auction, nor as a stop that no trade has reached."""
    if listing.phase is not Phase.CONTINUOUS or place.time_in_force in checks.AUCTION_TIMES:
        return False
    if place.stop_price_units is None:
        return True
    if listing.last_units is None:
        return False
    if place.side is Side.BUY:
        return listing.last_units >= place.stop_price_units
    return listing.last_units <= place.stop_price_units


def _nothing(refusal: RefusedError) -> Estimate:
    return Estimate(
        fills=[],
        resting_quantity=0,
        expiring_quantity=0,
        fee_units=0,
        held_units=0,
        needed_units=0,
        refusal=refusal,
    )
