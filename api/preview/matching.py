"""How an incoming order would walk through what a book shows."""

from __future__ import annotations

from typing import NamedTuple

from api.preview.situation import Funds, PriceQuantity, Situation
from engine.domain import Place, SelfTrade, Side


class Walk(NamedTuple):
    """What an order would trade at once, price by price, and whether anything ends it there."""

    fills: list[PriceQuantity]
    meets_own: bool = False
    lacks_cash: bool = False

    @property
    def quantity(self) -> int:
        """Shares traded."""
        return sum(quantity for _, quantity in self.fills)

    @property
    def value_units(self) -> int:
        """What they are traded for."""
        return sum(price * quantity for price, quantity in self.fills)


def crosses(side: Side, price_units: int | None, offered_units: int) -> bool:
    """Tell whether an order at a price, or at any, may trade at an offered one."""
    if price_units is None:
        return True
    return price_units >= offered_units if side is Side.BUY else price_units <= offered_units


def walk(place: Place, price_units: int | None, situation: Situation, funds: Funds | None) -> Walk:
    """Let an order trade with what shows, best price first. Cost O(levels met).

    At a price where the investor's own order rests, the others there are taken to stand before it. A buy
    without a price takes what the free cash of `funds` pays for; without `funds` it takes all.
    """
    left, fills = place.quantity, list[PriceQuantity]()
    free_units = None if funds is None or funds.is_unlimited else funds.free_units
    for offered_units, shown in situation.offered(place.side):
        if not left or not crosses(place.side, price_units, offered_units):
            break
        own = _own_shown(place, situation, offered_units, shown)
        wanted = min(left, shown - own)
        taken = wanted
        if place.side is Side.BUY and price_units is None and free_units is not None:
            taken = min(wanted, _covered(free_units, offered_units, situation))
            value_units = taken * offered_units
            free_units -= value_units + situation.listing.fees.taker_units(value_units)
        if taken:
            fills.append((offered_units, taken))
            left -= taken
        if taken < wanted:
            return Walk(fills, lacks_cash=True)
        if own and left and place.self_trade is not SelfTrade.EXPIRE_MAKER:
            return Walk(fills, meets_own=True)
    return Walk(fills)


def fillable_quantity(place: Place, price_units: int | None, situation: Situation) -> int:
    """Give how many shares would trade at once, whatever they cost."""
    return walk(place, price_units, situation, None).quantity


def _own_shown(place: Place, situation: Situation, price_units: int, shown: int) -> int:
    if place.self_trade is SelfTrade.NONE:
        return 0
    return min(situation.own_shown.get((place.side.opposite, price_units), 0), shown)


def _covered(free_units: int, price_units: int, situation: Situation) -> int:
    listing = situation.listing
    shares = max(free_units, 0) // listing.fees.share_cost_units(price_units)
    return shares - shares % listing.lot
