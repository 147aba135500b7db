"""How an incoming order trades against a book: best price first, at each price the oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from engine.book import OrderBook, crosses
from engine.domain import SelfTrade, Side
from engine.order import Order


class Meeting(Enum):
    """What the rules say when an incoming order meets a resting one."""

    TRADE = auto()
    MAKER_EXPIRES = auto()
    TAKER_EXPIRES = auto()
    BOTH_EXPIRE = auto()


class Match(NamedTuple):
    """An incoming order's next meeting with a resting order."""

    maker: Order
    quantity: int
    meeting: Meeting


_SELF_MEETING = {
    SelfTrade.EXPIRE_TAKER: Meeting.TAKER_EXPIRES,
    SelfTrade.EXPIRE_MAKER: Meeting.MAKER_EXPIRES,
    SelfTrade.EXPIRE_BOTH: Meeting.BOTH_EXPIRE,
    SelfTrade.NONE: Meeting.TRADE,
}


def next_match(taker: Order, book: OrderBook) -> Match | None:
    """Find what the incoming order meets now, or None when nothing (more) crosses. Cost O(1)."""
    maker = book.side(taker.side.opposite).best_order()
    if maker is None or not taker.remaining_quantity or not _may_trade(taker, maker):
        return None
    return Match(maker, min(taker.remaining_quantity, maker.remaining_quantity), _meeting(taker, maker))


def would_cross(side: Side, price_units: int, book: OrderBook) -> bool:
    """Tell whether an order at a price would trade on arrival. Cost O(1)."""
    best = book.side(side.opposite).best_price()
    return best is not None and crosses(side, price_units, best)


def can_fill(taker: Order, book: OrderBook) -> bool:
    """Tell whether an order would be filled whole at once. Cost O(orders that it would meet)."""
    missing = taker.remaining_quantity
    for maker in _crossing(taker, book):
        match _meeting(taker, maker):
            case Meeting.TRADE:
                missing -= maker.remaining_quantity
                if missing <= 0:
                    return True
            case Meeting.MAKER_EXPIRES:
                continue
            case Meeting.TAKER_EXPIRES | Meeting.BOTH_EXPIRE:
                return False
    return False


def _crossing(taker: Order, book: OrderBook) -> Iterator[Order]:
    for maker in book.side(taker.side.opposite).orders():
        if not _may_trade(taker, maker):
            return
        yield maker


def _may_trade(taker: Order, maker: Order) -> bool:
    assert maker.price_units is not None, "only orders with a price rest"
    return taker.price_units is None or crosses(taker.side, taker.price_units, maker.price_units)


def _meeting(taker: Order, maker: Order) -> Meeting:
    return _SELF_MEETING[taker.self_trade] if taker.investor_id == maker.investor_id else Meeting.TRADE
