"""Order ids that are or were in use: an open-addressing table that grows without a pause.

Entries stand in buckets of four, a cache line. An id is in its own bucket or, when that was full, in the next
that was not. All four are looked at without a branch: whether an entry is taken cannot be foreseen, and a
wrong guess costs more than looking.

When it is full, a new table is begun, as large as the ids need that still count; each new id then takes some
entries of the old one along. After that the old one is wiped, some entries at a time as well, so that its
rows can serve again. Entries of orders that ended before yesterday count no more.
"""

from __future__ import annotations

from typing import Any, Final

from engine.kernel import header as h
from engine.kernel.bits import lowest_bit
from engine.kernel.compile import called, inlined, rarely
from engine.kernel.layout import NONE

BUCKET: Final = 4
_FULL_IN_16: Final = 10
_CROWDED_IN_16: Final = 14
_LIVE_IN_16: Final = 5
_MOVED_AT_LEAST: Final = 8
_ENDED_BEFORE: Final = 2  # so that the day before 1970 is still a negative state


@inlined
def find_entry(market: Any, low: int, high: int) -> int:
    """Give the entry of an id; ~ the free one that it would get, when it was never used or is forgotten."""
    words = market.header
    entry = _probe(market, words[h.IDS_BASE], words[h.IDS_SIZE], low, high)
    if entry < 0 and words[h.OLD_IDS_STEP] > 0:
        old = _probe(market, words[h.OLD_IDS_BASE], words[h.OLD_IDS_SIZE], low, high)
        return old if old >= 0 else entry
    return entry


@inlined
def open_order(market: Any, low: int, high: int) -> int:
    """Give the open order of an id, or NONE."""
    entry = find_entry(market, low, high)
    return NONE if entry < 0 or market.ids[entry].state <= 0 else market.ids[entry].state - 1


@inlined
def is_used(market: Any, entry: int) -> bool:
    """Tell whether an entry's id may not be used again: its order is open, or ended yesterday or later."""
    state = market.ids[entry].state
    return state > 0 or _still_counts(market, state)


@inlined
def has_room(market: Any) -> bool:
    """Tell whether there is room for another id, forgetting what may be forgotten where there is none."""
    words = market.header
    if words[h.IDS_COUNT] * 16 >= words[h.IDS_SIZE] * _CROWDED_IN_16 and words[h.OLD_IDS_SIZE] == 0:
        _begin_new_table(market)
    return words[h.IDS_COUNT] * 16 < words[h.IDS_SIZE] * _CROWDED_IN_16


@inlined
def room_for_ids(market: Any) -> int:
    """Count the new ids that there is certainly room for, with the entries that each takes along."""
    words = market.header
    free = words[h.IDS_SIZE] * _CROWDED_IN_16 // 16 - words[h.IDS_COUNT]
    return int(free // (1 + abs(words[h.OLD_IDS_STEP])))


@inlined
def take_id(market: Any, low: int, high: int, entry: int, order: int) -> None:
    """Give an id to an open order; `entry` is what `find_entry` gave for it."""
    place = _claim(market, low, high, entry)
    market.ids[place].state = order + 1
    market.orders[order].entry = place
    _make_way(market)


@called
def note_id(market: Any, low: int, high: int) -> None:
    """Note an id that is no order's, as if an order of that id had ended now."""
    words = market.header
    place = _claim(market, low, high, find_entry(market, low, high))
    market.ids[place].state = -(words[h.DAY] + _ENDED_BEFORE)
    words[h.ENDED_TODAY] += 1
    _make_way(market)


@inlined
def _claim(market: Any, low: int, high: int, entry: int) -> int:
    words = market.header
    place = entry if entry >= 0 else ~entry
    # An entry of the old table may be behind those that have moved already: the id gets a new one.
    is_old = place < words[h.IDS_BASE] or place >= words[h.IDS_BASE] + words[h.IDS_SIZE]
    if is_old:
        place = _free_entry(market, words[h.IDS_BASE], words[h.IDS_SIZE], low)
    if is_old or entry < 0:
        words[h.IDS_COUNT] += 1
        market.ids[place].low = low
        market.ids[place].high = high
    return int(place)


@inlined
def _make_way(market: Any) -> None:
    words = market.header
    if words[h.OLD_IDS_SIZE] != 0:
        _tidy(market)
    elif words[h.IDS_COUNT] * 16 >= words[h.IDS_SIZE] * _FULL_IN_16:
        _begin_new_table(market)


@inlined
def end_id(market: Any, order: int) -> None:
    """Note that an id's order has ended today."""
    market.ids[market.orders[order].entry].state = -(market.header[h.DAY] + _ENDED_BEFORE)
    market.header[h.ENDED_TODAY] += 1


@inlined
def _still_counts(market: Any, state: int) -> bool:
    return -state - _ENDED_BEFORE >= market.header[h.DAY] - 1


@inlined
def _probe(market: Any, base: int, size: int, low: int, high: int) -> int:
    bucket = low & (size - BUCKET)
    while True:
        first = base + bucket
        alike = 0
        free = 0
        for place in range(BUCKET):
            entry = market.ids[first + place]
            alike |= int(entry.low == low) << place
            free |= int(entry.state == 0) << place
        alike &= ~free
        while alike != 0:
            found = first + lowest_bit(alike)
            if market.ids[found].high == high:
                return found
            alike &= alike - 1
        if free != 0:
            return ~(first + lowest_bit(free))
        bucket = (bucket + BUCKET) & (size - 1)


@called
def _free_entry(market: Any, base: int, size: int, low: int) -> int:
    bucket = low & (size - BUCKET)
    while True:
        for place in range(base + bucket, base + bucket + BUCKET):
            if market.ids[place].state == 0:
                return place
        bucket = (bucket + BUCKET) & (size - 1)


@rarely
def _begin_new_table(market: Any) -> None:
    words = market.header
    live = words[h.OPEN_ORDERS] + words[h.ENDED_TODAY] + words[h.ENDED_YESTERDAY] + 1
    size = h.IDS_SIZE_MIN
    while live * 16 > size * _LIVE_IN_16:
        size *= 2
    half_rows = len(market.ids) // 2
    if 2 * size > half_rows:
        return
    old_size = words[h.IDS_SIZE]
    words[h.OLD_IDS_BASE] = words[h.IDS_BASE]
    words[h.OLD_IDS_SIZE] = old_size
    words[h.OLD_IDS_CURSOR] = 0
    words[h.OLD_IDS_STEP] = max(_MOVED_AT_LEAST, 16 * old_size // size)
    words[h.IDS_HALF] = 1 - words[h.IDS_HALF]
    words[h.IDS_BASE] = words[h.IDS_HALF] * half_rows + size
    words[h.IDS_SIZE] = size
    words[h.IDS_COUNT] = 0
    words[h.ROOM] = 0


@rarely
def _tidy(market: Any) -> None:
    words = market.header
    first = words[h.OLD_IDS_CURSOR]
    step = words[h.OLD_IDS_STEP]
    last = min(first + abs(step), words[h.OLD_IDS_SIZE])
    for place in range(first, last):
        entry = market.ids[words[h.OLD_IDS_BASE] + place]
        if step < 0:
            entry.low = 0
            entry.high = 0
            entry.state = 0
        elif entry.state > 0 or (entry.state < 0 and _still_counts(market, entry.state)):
            _move(market, entry.low, entry.high, entry.state)
    words[h.OLD_IDS_CURSOR] = last
    if last == words[h.OLD_IDS_SIZE]:
        words[h.OLD_IDS_CURSOR] = 0
        words[h.OLD_IDS_STEP] = min(0, -step)
        if step < 0:
            words[h.OLD_IDS_SIZE] = 0


@called
def _move(market: Any, low: int, high: int, state: int) -> None:
    words = market.header
    free = _free_entry(market, words[h.IDS_BASE], words[h.IDS_SIZE], low)
    words[h.IDS_COUNT] += 1
    market.ids[free].low = low
    market.ids[free].high = high
    market.ids[free].state = state
    if state > 0:
        market.orders[state - 1].entry = free
