"""Orders in the queues of ladders, and which price levels readers have not been told of."""

from __future__ import annotations

from typing import Any

from engine.kernel import header as h
from engine.kernel.compile import called, inlined
from engine.kernel.ladder import drop_level, hint_of, obtain_level
from engine.kernel.layout import LADDERS_PER_ASSET, MANY_ORDERS, NONE
from engine.kernel.market import row_or_spare


@inlined
def enqueue(market: Any, which: int, key: int, order: int) -> None:
    """Put an order at the end of a key's queue. Cost O(height of the ladder)."""
    level = obtain_level(market, which, key)
    if market.header[h.OPEN_ORDERS] >= MANY_ORDERS:
        market.level_hints[hint_of(which, key)] = level
    row = market.orders[order]
    row.level = level
    _append(market, level, order)
    queue = market.levels[level]
    queue.count += 1
    queue.quantity += row.shown
    queue.total += row.quantity - row.filled


@inlined
def dequeue(market: Any, which: int, order: int) -> None:
    """Take an order out of its queue, wherever in it it stands; an empty level goes."""
    row = market.orders[order]
    level = row.level
    queue = market.levels[level]
    queue.count -= 1
    if queue.count == 0:
        drop_level(market, which, level)
    else:
        queue.quantity -= row.shown
        queue.total -= row.quantity - row.filled
        _unlink(market, level, order)
    row.level = NONE


@inlined
def requeue(market: Any, order: int) -> None:
    """Send an order to the end of the queue that it is in."""
    level = market.orders[order].level
    if market.levels[level].tail != order:
        _unlink(market, level, order)
        _append(market, level, order)


@inlined
def mark_changed(market: Any, asset: int, ladder: int, level: int, command: int) -> None:
    """Note that a price level of a book is to be published."""
    publication = market.publications[asset]
    publication.offset = market.commands[command].offset
    publication.time_ms = market.header[h.TIME_MS]
    publication.pending = 1
    if market.level_changed[level] == 0:
        market.level_changed[level] = 1
        row = market.changed_levels[market.header[h.CHANGED_LEVELS]]
        row.key = market.levels[level].key
        row.asset = asset
        row.ladder = ladder
        market.header[h.CHANGED_LEVELS] += 1


@called
def enqueue_expiry(market: Any, time_ms: int, order: int) -> None:
    """Put an order into the queue of those that expire at a time."""
    level = obtain_level(market, expiries(market), time_ms)
    queue = market.levels[level]
    row = market.orders[order]
    row.expiry_level = level
    row.expiry_previous = queue.tail
    row.expiry_next = NONE
    if queue.tail == NONE:
        queue.head = order
    else:
        market.orders[queue.tail].expiry_next = order
    queue.tail = order
    queue.count += 1


@called
def dequeue_expiry(market: Any, order: int) -> None:
    """Take an order out of the queue of those that expire when it does."""
    row = market.orders[order]
    queue = market.levels[row.expiry_level]
    queue.count -= 1
    if queue.count == 0:
        drop_level(market, expiries(market), row.expiry_level)
    else:
        if row.expiry_previous == NONE:
            queue.head = row.expiry_next
        else:
            market.orders[row.expiry_previous].expiry_next = row.expiry_next
        if row.expiry_next == NONE:
            queue.tail = row.expiry_previous
        else:
            market.orders[row.expiry_next].expiry_previous = row.expiry_previous
    row.expiry_level = NONE


@inlined
def expiries(market: Any) -> int:
    """Give the number of the ladder of expiry times, which runs up."""
    return LADDERS_PER_ASSET * len(market.assets) + 1


@inlined
def auction_orders(market: Any) -> int:
    """Give the number of the ladder of orders that wait for an auction's end: a queue an asset and kind."""
    return LADDERS_PER_ASSET * len(market.assets) + 2


@inlined
def _append(market: Any, level: int, order: int) -> None:
    queue = market.levels[level]
    row = market.orders[order]
    tail, head = queue.tail, queue.head
    row.previous = tail
    row.next = NONE
    row_or_spare(market.orders, tail).next = order
    queue.head = order if head == NONE else head
    queue.tail = order


@inlined
def _unlink(market: Any, level: int, order: int) -> None:
    # Without a branch, for nobody could foresee who has neighbours; nor would one spare a load, as the head
    # itself is asked for.
    queue = market.levels[level]
    row = market.orders[order]
    previous, following = row.previous, row.next
    head, tail = queue.head, queue.tail
    row_or_spare(market.orders, previous).next = following
    row_or_spare(market.orders, following).previous = previous
    queue.head = following if head == order else head
    queue.tail = previous if tail == order else tail
