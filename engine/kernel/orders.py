"""An order's life in the arrays: from the row that it gets to the row that it leaves."""

from __future__ import annotations

from typing import Any

from engine.kernel import header as h
from engine.kernel.accounts import hold, list_order, touch, unlist_order
from engine.kernel.compile import called, inlined, rarely
from engine.kernel.cover import new_share_cost
from engine.kernel.foresight import foresee_order
from engine.kernel.ids import end_id, room_for_ids, take_id
from engine.kernel.ids import has_room as ids_have_room
from engine.kernel.ladder import key_of
from engine.kernel.layout import NONE, ORDER_TEXT_BYTES, ORDERS_KEPT, TEXT_CHUNK_BYTES, UNLISTED, Ladder
from engine.kernel.market import load_word
from engine.kernel.queues import (
    auction_orders,
    dequeue,
    dequeue_expiry,
    enqueue,
    enqueue_expiry,
    mark_changed,
)
from engine.kernel.words import AT_CLOSE, AT_OPEN, BUY, GTC, GTD, NEW, PENDING_TRIGGER, STOP, STOP_LIMIT

_DAY_MS = 86_400_000
# The exchange's day is Brazil's, three hours behind UTC the whole year.
_DAY_STARTS_MS = 3 * 3_600_000
_BIDS = int(Ladder.BIDS)
_ASKS = int(Ladder.ASKS)
_BUY_STOPS = int(Ladder.BUY_STOPS)
_SELL_STOPS = int(Ladder.SELL_STOPS)
# The most that one new order takes: a price and an expiry, a path down from a new root, and the chunks of
# its longest texts.
_LEVELS_SPARE = 2
_NODES_SPARE = 16
_CHUNKS_SPARE = 40
_CHUNK_WORDS = TEXT_CHUNK_BYTES // 8


@inlined
def day_of(time_ms: int) -> int:
    """Give the Brasília day of a time, counted from 1970."""
    return (time_ms - _DAY_STARTS_MS) // _DAY_MS


@inlined
def is_for_auction(time_in_force: int) -> bool:
    """Tell whether an order with this time in force trades in one uncrossing or not at all."""
    return time_in_force == AT_OPEN or time_in_force == AT_CLOSE


@inlined
def waits(order_type: int, time_in_force: int) -> bool:
    """Tell whether an accepted order waits outside the book, for its stop price or its auction."""
    return order_type == STOP or order_type == STOP_LIMIT or is_for_auction(time_in_force)


@inlined
def waiting_key(asset: int, time_in_force: int) -> int:
    """Give the key of the queue in which an asset's orders wait for their auction."""
    return 2 * asset + time_in_force - AT_OPEN


@inlined
def has_room(market: Any) -> bool:
    """Tell whether there is room for another open order and its id."""
    words = market.header
    if words[h.ROOM] == 0:
        return _look_for_room(market)
    words[h.ROOM] -= 1
    return True


@called
def take_room(market: Any, count: int) -> bool:
    """Tell whether there is room for some more ids that are no orders', and count them in."""
    words = market.header
    words[h.ROOM] = max(0, words[h.ROOM] - count)
    return ids_have_room(market) and room_for_ids(market) >= count


@rarely
def has_room_for_change(market: Any) -> bool:
    """Tell whether there is room for what an open order may take elsewhere in its book."""
    words = market.header
    return (
        has_room_in_book(market)
        and (words[h.ORDERS_USED] < len(market.orders) or words[h.ENDED_COUNT] > ORDERS_KEPT)
        and (words[h.TEXTS_USED] + _CHUNKS_SPARE < len(market.text_next) or _has_free_chunks(market))
    )


@rarely
def has_room_in_book(market: Any) -> bool:
    """Tell whether there is room for an accepted order that waited outside its book."""
    words = market.header
    words[h.ROOM] = max(0, words[h.ROOM] - 1)
    return bool(
        (words[h.LEVELS_USED] + _LEVELS_SPARE < len(market.levels) or _has_free_levels(market))
        and (words[h.NODES_USED] + _NODES_SPARE < len(market.nodes) or _has_free_nodes(market))
    )


@rarely
def _look_for_room(market: Any) -> bool:
    """Tell whether there is room, and count for how many orders there is without using what others leave."""
    words = market.header
    is_room = has_room_for_change(market) and ids_have_room(market)
    rows = min(
        len(market.orders) - words[h.ORDERS_USED],
        (len(market.levels) - words[h.LEVELS_USED]) // _LEVELS_SPARE,
        (len(market.nodes) - words[h.NODES_USED]) // _NODES_SPARE,
        (len(market.text_next) - words[h.TEXTS_USED]) // _CHUNKS_SPARE,
        room_for_ids(market),
    )
    # This order, and one more for comparisons above that leave some room unused.
    words[h.ROOM] = max(0, rows - 2)
    return is_room


@rarely
def _has_free_levels(market: Any) -> bool:
    free = market.header[h.LEVEL_FREE]
    for _ in range(_LEVELS_SPARE):
        if free == NONE:
            return False
        free = market.levels[free].head
    return True


@rarely
def _has_free_nodes(market: Any) -> bool:
    free = market.header[h.NODE_FREE]
    for _ in range(_NODES_SPARE):
        if free == NONE:
            return False
        free = market.nodes[free].parent
    return True


@rarely
def _has_free_chunks(market: Any) -> bool:
    free = market.header[h.TEXT_FREE]
    for _ in range(_CHUNKS_SPARE):
        if free == NONE:
            return False
        free = market.text_next[free]
    return True


@inlined
def accept(market: Any, command: int, position: int, entry: int, price: int) -> int:
    """Make the order that a valid `place` command asks for; gives its row."""
    order = _new_row(market)
    placed = market.commands[command]
    row = market.orders[order]
    row.price = price
    row.stop_price = placed.stop_price
    row.traded = 0
    row.accepted_offset = placed.offset
    share_cost = new_share_cost(market, placed.asset, price, placed.stop_price)
    row.share_cost = share_cost if placed.side == BUY else 0
    row.quantity = placed.quantity
    row.filled = 0
    row.shown = 0
    row.display_quantity = placed.display_quantity
    row.level = NONE
    row.position = position
    row.expiry_level = NONE
    row.side = placed.side
    row.type = placed.type
    row.time_in_force = placed.time_in_force
    row.self_trade = placed.self_trade
    row.post_only = placed.flag
    row.status = NEW
    row.fees = market.assets[placed.asset].fees
    row.account_previous = UNLISTED
    _keep_text(market, order, command)
    take_id(market, placed.id_low, placed.id_high, entry, order)
    market.header[h.OPEN_ORDERS] += 1
    return order


@inlined
def rest(market: Any, order: int, command: int) -> None:
    """Put what is left of an order into its book, behind those of its price."""
    row = market.orders[order]
    asset = market.positions[row.position].asset
    side = _BIDS if row.side == BUY else _ASKS
    show(market, order)
    enqueue(market, 4 * asset + side, key_of(market, asset, row.price), order)
    mark_changed(market, asset, side, row.level, command)
    _promise(market, order, command)


@rarely
def wait_for_trigger(market: Any, order: int, command: int) -> None:
    """Put an order among those that wait: behind those of its stop price, or those for its auction."""
    row = market.orders[order]
    asset = market.positions[row.position].asset
    key = key_of(market, asset, row.stop_price)
    if is_for_auction(row.time_in_force):
        key = waiting_key(asset, row.time_in_force)
    enqueue(market, _waiting_ladder(market, order), key, order)
    _promise(market, order, command)


@inlined
def unrest(market: Any, order: int, command: int) -> None:
    """Take a resting or waiting order out of its queue, with what it holds."""
    row = market.orders[order]
    touch(market, row.position)
    hold(market, order, row.filled - row.quantity)
    asset = market.positions[row.position].asset
    if row.status == PENDING_TRIGGER:
        # An elected one has left its queue already.
        if row.level != NONE:
            dequeue(market, _waiting_ladder(market, order), order)
        return
    side = _BIDS if row.side == BUY else _ASKS
    mark_changed(market, asset, side, row.level, command)
    dequeue(market, 4 * asset + side, order)


@rarely
def _waiting_ladder(market: Any, order: int) -> int:
    row = market.orders[order]
    if is_for_auction(row.time_in_force):
        return auction_orders(market)
    return 4 * market.positions[row.position].asset + (_BUY_STOPS if row.side == BUY else _SELL_STOPS)


@inlined
def show(market: Any, order: int) -> None:
    """Let an order show its next slice: all that is left, unless it hides some."""
    row = market.orders[order]
    left = row.quantity - row.filled
    row.shown = left if row.display_quantity == 0 else min(left, row.display_quantity)


@inlined
def end(market: Any, order: int, status: int) -> None:
    """End an order that is in no queue of a ladder any more; its row and text serve again later."""
    row = market.orders[order]
    row.status = status
    if row.account_previous != UNLISTED:
        _unlist(market, order)
    end_id(market, order)
    words = market.header
    words[h.OPEN_ORDERS] -= 1
    row.next = NONE
    if words[h.ENDED_LAST] == NONE:
        words[h.ENDED_FIRST] = order
    else:
        market.orders[words[h.ENDED_LAST]].next = order
    words[h.ENDED_LAST] = order
    words[h.ENDED_COUNT] += 1


@inlined
def _promise(market: Any, order: int, command: int) -> None:
    row = market.orders[order]
    touch(market, row.position)
    hold(market, order, row.quantity - row.filled)
    if row.account_previous == UNLISTED:
        _list(market, order, command)


@inlined
def _list(market: Any, order: int, command: int) -> None:
    row = market.orders[order]
    list_order(market, order)
    if row.time_in_force == GTD:
        enqueue_expiry(market, market.commands[command].expires_at_ms, order)
    elif row.time_in_force != GTC:
        midnight_ms = (market.header[h.DAY] + 1) * _DAY_MS + _DAY_STARTS_MS
        enqueue_expiry(market, midnight_ms, order)


@inlined
def _unlist(market: Any, order: int) -> None:
    row = market.orders[order]
    unlist_order(market, order)
    if row.expiry_level != NONE:
        dequeue_expiry(market, order)


@inlined
def _new_row(market: Any) -> int:
    words = market.header
    if words[h.ENDED_COUNT] <= ORDERS_KEPT:
        order = words[h.ORDERS_USED]
        words[h.ORDERS_USED] += 1
        market.orders[order].more_text = NONE
        return order
    order = words[h.ENDED_FIRST]
    words[h.ENDED_FIRST] = market.orders[order].next
    words[h.ENDED_COUNT] -= 1
    foresee_order(market, words[h.ENDED_FIRST])
    if market.orders[order].more_text != NONE:
        _drop_more_text(market, order)
    return order


@inlined
def _keep_text(market: Any, order: int, command: int) -> None:
    row = market.orders[order]
    placed = market.commands[command]
    start = placed.text
    row.id_length = placed.id_length
    row.client_length = placed.client_length
    length = placed.id_length + placed.client_length
    row.text = _octets(market, start, length)
    row.text_2 = _octets(market, start + 8, length - 8)
    # One question for what few orders have, a long text or a time of their own to end at.
    if (length > ORDER_TEXT_BYTES) | (placed.expires_at_ms != 0):
        _keep_more_text(market, order, command)


@called
def _keep_more_text(market: Any, order: int, command: int) -> None:
    placed = market.commands[command]
    start = placed.text + ORDER_TEXT_BYTES
    length = placed.id_length + placed.client_length - ORDER_TEXT_BYTES
    text_words = max(0, (length + 7) >> 3)
    chunk = _new_chunk(market)
    market.orders[order].more_text = chunk
    for word in range(text_words + (placed.expires_at_ms != 0)):
        if word != 0 and word % _CHUNK_WORDS == 0:
            behind = _new_chunk(market)
            market.text_next[chunk] = behind
            chunk = behind
        kept = placed.expires_at_ms
        if word < text_words:
            kept = _octets(market, start + 8 * word, length - 8 * word)
        market.text_words[chunk, word % _CHUNK_WORDS] = kept


@inlined
def _octets(market: Any, start: int, length: int) -> int:
    """Give eight bytes of the batch's text as a word, zeros from a length on.

    What stands behind a text is another command's, which depends on the batch.
    """
    kept = 8 * min(max(length, 0), 8)
    # Shifting by all 64 bits at once would do nothing.
    return int(load_word(market.text, start) & ~((-1 << (kept >> 1)) << (kept - (kept >> 1))))


@rarely
def _new_chunk(market: Any) -> int:
    words = market.header
    chunk = words[h.TEXT_FREE]
    if chunk == NONE:
        chunk = words[h.TEXTS_USED]
        words[h.TEXTS_USED] += 1
    else:
        words[h.TEXT_FREE] = market.text_next[chunk]
    market.text_next[chunk] = NONE
    return chunk


@rarely
def _drop_more_text(market: Any, order: int) -> None:
    """Free the chunks of an ended order's text."""
    words = market.header
    chunk = market.orders[order].more_text
    market.orders[order].more_text = NONE
    while chunk != NONE:
        behind = market.text_next[chunk]
        market.text_next[chunk] = words[h.TEXT_FREE]
        words[h.TEXT_FREE] = chunk
        chunk = behind
