"""Commands of days in which phases change often, and most orders are for an auction."""

from __future__ import annotations

from random import Random

from msgspec import structs

from engine.domain import OrderType, Phase, Place, SelfTrade, SetPhase, Side, TimeInForce
from tests.strategies.markets import DEAR_SYMBOL, LOTS_SYMBOL, MARKETS, SYMBOL, UNLIMITED
from tests.strategies.throws import FOR_AUCTIONS, Throw, Tickets, amend, cancel, place

# A band for all, without which no market order is for an auction.
BANDED = {
    symbol: structs.replace(MARKETS[symbol].listing, price_band=0.02) for symbol in (SYMBOL, LOTS_SYMBOL)
}


def _place_in_session(dice: Random, tickets: Tickets) -> Place:
    """Place an order of a day of auctions: most are for one of them, nearly all can be paid."""
    ticket = tickets.new(dice)
    market = MARKETS[SYMBOL if ticket.symbol == DEAR_SYMBOL else ticket.symbol]
    time_in_force = dice.choice((*FOR_AUCTIONS * 3, TimeInForce.GTC, TimeInForce.DAY))
    is_market = time_in_force in FOR_AUCTIONS and dice.random() < 0.3
    hides = time_in_force is TimeInForce.GTC and dice.random() < 0.3
    return Place(
        order_id=ticket.order_id,
        investor_id=dice.choice((*UNLIMITED, *UNLIMITED, ticket.investor_id)),
        symbol=market.listing.symbol,
        side=dice.choice(list(Side)),
        quantity=market.quantity(dice),
        type=OrderType.MARKET if is_market else OrderType.LIMIT,
        price_units=None if is_market else market.price_units(dice),
        time_in_force=time_in_force,
        display_quantity=market.listing.lot_size if hides else None,
        self_trade=dice.choice(list(SelfTrade)),
    )


def _set_session_phase(dice: Random, _tickets: Tickets) -> SetPhase:
    phases = [*[Phase.AUCTION] * 5, *[Phase.CONTINUOUS] * 3, *[Phase.CLOSED] * 3, Phase.HALTED]
    return SetPhase(symbol=dice.choice([SYMBOL, SYMBOL, LOTS_SYMBOL]), phase=dice.choice(phases))


SESSION_THROWS: tuple[Throw, ...] = (
    *[_place_in_session] * 11,
    *[_set_session_phase] * 4,
    *[amend] * 2,
    cancel,
    place,
)
