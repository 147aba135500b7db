"""Orders for one uncrossing: they wait outside the book until a phase that they are for begins."""

from __future__ import annotations

from typing import Any

from engine.kernel import header as h
from engine.kernel import stages
from engine.kernel.compile import called, rarely
from engine.kernel.events import report
from engine.kernel.ladder import find_level
from engine.kernel.layout import EVENTS_SOFT_MAX, NONE
from engine.kernel.matching import expire_resting
from engine.kernel.orders import has_room_in_book, rest, unrest, waiting_key
from engine.kernel.queues import auction_orders, dequeue_expiry, enqueue_expiry
from engine.kernel.words import AT_CLOSE, AT_OPEN, AUCTION, CLOSED, CONTINUOUS, DID_TRIGGER, NEW
from engine.messages import Message

_NO_MESSAGE = int(Message.NONE)
_MARKET_FULL = int(Message.MARKET_FULL)
_NO_AUCTION = int(Message.NO_AUCTION)


@called
def call_in(market: Any, command: int) -> int:
    """Bring in the orders for the uncrossing that leads to the phase asked for; gives the next stage.

    Where no auction comes before that phase, they end.
    """
    asked = market.commands[command]
    is_auction = market.assets[asked.asset].phase == AUCTION
    while True:
        order = _first_for(market, asked.asset, asked.side)
        if order == NONE:
            return stages.UNCROSS if is_auction else stages.SET_PHASE
        if market.header[h.EVENTS] > EVENTS_SOFT_MAX:
            return stages.NO_ROOM
        if not is_auction:
            expire_resting(market, order, _NO_AUCTION, command)
        elif not has_room_in_book(market):
            expire_resting(market, order, _MARKET_FULL, command)
        else:
            _admit(market, command, order)


@rarely
def _first_for(market: Any, asset: int, phase: int) -> int:
    if phase != CONTINUOUS and phase != CLOSED:
        return NONE
    time_in_force = AT_OPEN if phase == CONTINUOUS else AT_CLOSE
    level = find_level(market, auction_orders(market), waiting_key(asset, time_in_force))
    return NONE if level == NONE else market.levels[level].head


@rarely
def _admit(market: Any, command: int, order: int) -> None:
    unrest(market, order, command)
    market.orders[order].status = NEW
    report(market, command, order, DID_TRIGGER, _NO_MESSAGE)
    rest(market, order, command)
    # It is due from now on, so that what the uncrossing leaves of it ends next.
    dequeue_expiry(market, order)
    enqueue_expiry(market, market.header[h.TIME_MS], order)
