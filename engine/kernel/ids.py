"""Order ids that are or were in use: an open-addressing table that grows without a pause.

Entries stand in buckets of four, a cache line; the first four are those of the first bucket, and so on. An id
is in its own bucket or, when that was full, in the next that was not. All four are looked at at once: whether
an entry is taken cannot be foreseen, and a wrong guess costs more than looking.

When it is full, a new table is begun, as large as the ids need that still count; its pages have been
supplied by then, one at a time. Each new id takes some entries of the old table along. After that the
old one is wiped, some entries at a time as well, so that its rows can serve again. Entries of orders
that ended before yesterday count no more.
"""

from __future__ import annotations

from typing import Any, Final

from engine.kernel import header as h
from engine.kernel.bits import lowest_bit
from engine.kernel.compile import called, inlined, rarely
from engine.kernel.layout import BUCKET, ID_BUCKET, ID_HIGH, ID_STATE, NONE, PAGE_BYTES
from engine.kernel.market import alike, prefetch

_BUCKET_BITS: Final = BUCKET.bit_length() - 1
_WAY: Final = BUCKET - 1
_FULL_IN_16: Final = 10
_NEARLY_FULL_IN_128: Final = 7 * _FULL_IN_16
_CROWDED_IN_16: Final = 14
_LIVE_IN_16: Final = 5
_MOVED_AT_LEAST: Final = 32
_BUCKETS_AHEAD: Final = _MOVED_AT_LEAST // BUCKET
_IDS_A_PAGE: Final = 8
_PAGE_ENTRIES: Final = PAGE_BYTES * BUCKET // ID_BUCKET.itemsize
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
    return NONE if entry < 0 else max(_state(market, entry), 0) - 1


@inlined
def is_used(market: Any, entry: int) -> bool:
    """Tell whether an entry's id may not be used again: its order is open, or ended yesterday or later."""
    state = _state(market, entry)
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
    _set_state(market, place, order + 1)
    market.orders[order].entry = place
    _make_way(market)


@called
def note_id(market: Any, low: int, high: int) -> None:
    """Note an id that is no order's, as if an order of that id had ended now."""
    words = market.header
    place = _claim(market, low, high, find_entry(market, low, high))
    _set_state(market, place, -(words[h.DAY] + _ENDED_BEFORE))
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
        _set_id(market, place, low, high)
    return int(place)


@inlined
def _make_way(market: Any) -> None:
    words = market.header
    if words[h.OLD_IDS_SIZE] != 0:
        _tidy(market)
    elif words[h.IDS_COUNT] * 16 >= words[h.IDS_SIZE] * _FULL_IN_16:
        _begin_new_table(market)


@rarely
def supply_next_table(market: Any) -> None:
    """Have the system supply some pages of the next table while this one's last eighth fills, all in time.

    The first ids of a table go to all of its pages, and the system would clear all of them at once for them.
    """
    words = market.header
    into_last_eighth = words[h.IDS_COUNT] - words[h.IDS_SIZE] * _NEARLY_FULL_IN_128 // 128
    if words[h.OLD_IDS_SIZE] != 0 or into_last_eighth < 0:
        words[h.NEXT_IDS_PAGES] = 0
        return
    size = _next_size(market)
    if size > _size_max(market):
        return
    base = _next_base(market, size)
    due = min(into_last_eighth // _IDS_A_PAGE + 1, size // _PAGE_ENTRIES)
    for page in range(words[h.NEXT_IDS_PAGES], due):
        _set_state(market, base + page * _PAGE_ENTRIES, 0)
    words[h.NEXT_IDS_PAGES] = due


@inlined
def end_id(market: Any, order: int) -> None:
    """Note that an id's order has ended today."""
    _set_state(market, market.orders[order].entry, -(market.header[h.DAY] + _ENDED_BEFORE))
    market.header[h.ENDED_TODAY] += 1


@inlined
def _still_counts(market: Any, state: int) -> bool:
    return -state - _ENDED_BEFORE >= market.header[h.DAY] - 1


@inlined
def _probe(market: Any, base: int, size: int, low: int, high: int) -> int:
    first = low & (size - BUCKET)
    while True:
        bucket = (base + first) >> _BUCKET_BITS
        free = free_ways(market, bucket)
        found = ways_of(market, bucket, low) & ~free
        while found != 0:
            way = lowest_bit(found)
            if market.id_halves[bucket, ID_HIGH + way] == high:
                return (bucket << _BUCKET_BITS) + way
            found &= found - 1
        if free != 0:
            return ~((bucket << _BUCKET_BITS) + lowest_bit(free))
        first = (first + BUCKET) & (size - 1)


@inlined
def bucket_of(base: int, size: int, low: int) -> int:
    """Give the bucket that an id is sought in first, in the table that begins with entry `base`."""
    return (base + (low & (size - BUCKET))) >> _BUCKET_BITS


@inlined
def ways_of(market: Any, bucket: int, low: int) -> int:
    """Tell which entries of a bucket have the lower part of an id, as bits; free ones may have any."""
    return alike(market.id_lows, bucket, 0, low)


@inlined
def free_ways(market: Any, bucket: int) -> int:
    """Tell which entries of a bucket are free, as bits."""
    return alike(market.id_halves, bucket, ID_STATE, 0)


@inlined
def _state(market: Any, entry: int) -> int:
    return market.id_halves[entry >> _BUCKET_BITS, ID_STATE + (entry & _WAY)]


@inlined
def _set_state(market: Any, entry: int, state: int) -> None:
    market.id_halves[entry >> _BUCKET_BITS, ID_STATE + (entry & _WAY)] = state


@inlined
def _set_id(market: Any, entry: int, low: int, high: int) -> None:
    market.id_lows[entry >> _BUCKET_BITS, entry & _WAY] = low
    market.id_halves[entry >> _BUCKET_BITS, ID_HIGH + (entry & _WAY)] = high


@called
def _free_entry(market: Any, base: int, size: int, low: int) -> int:
    first = low & (size - BUCKET)
    while True:
        bucket = (base + first) >> _BUCKET_BITS
        free = free_ways(market, bucket)
        if free != 0:
            return (bucket << _BUCKET_BITS) + lowest_bit(free)
        first = (first + BUCKET) & (size - 1)


@inlined
def _next_size(market: Any) -> int:
    words = market.header
    live = words[h.OPEN_ORDERS] + words[h.ENDED_TODAY] + words[h.ENDED_YESTERDAY]
    size = h.IDS_SIZE_MIN
    while live * 16 > size * _LIVE_IN_16:
        size *= 2
    return size


@inlined
def _size_max(market: Any) -> int:
    # The table of size s stands in the entries from s to 2 s of its half.
    return len(market.ids) * BUCKET // 4


@inlined
def _next_base(market: Any, size: int) -> int:
    return (1 - market.header[h.IDS_HALF]) * (len(market.ids) * BUCKET // 2) + size


@rarely
def _begin_new_table(market: Any) -> None:
    words = market.header
    size = _next_size(market)
    if size > _size_max(market):
        return
    old_size = words[h.IDS_SIZE]
    words[h.OLD_IDS_BASE] = words[h.IDS_BASE]
    words[h.OLD_IDS_SIZE] = old_size
    words[h.OLD_IDS_CURSOR] = 0
    words[h.OLD_IDS_STEP] = max(_MOVED_AT_LEAST, 64 * old_size // size)
    words[h.IDS_BASE] = _next_base(market, size)
    words[h.IDS_HALF] = 1 - words[h.IDS_HALF]
    words[h.IDS_SIZE] = size
    words[h.IDS_COUNT] = 0
    words[h.ROOM] = 0


@rarely
def _tidy(market: Any) -> None:
    words = market.header
    first = words[h.OLD_IDS_CURSOR]
    step = words[h.OLD_IDS_STEP]
    last = min(first + abs(step), words[h.OLD_IDS_SIZE])
    first_bucket = (words[h.OLD_IDS_BASE] + first) >> _BUCKET_BITS
    buckets = (last - first) >> _BUCKET_BITS
    # Way by way: a bucket's entries go to the same two, and each would wait for the one before to be stored.
    for way in range(BUCKET):
        for bucket in range(first_bucket, first_bucket + buckets):
            if step < 0:
                entry = (bucket << _BUCKET_BITS) + way
                _set_id(market, entry, 0, 0)
                _set_state(market, entry, 0)
            else:
                _take_along(market, bucket, way)
    words[h.OLD_IDS_CURSOR] = last
    if last == words[h.OLD_IDS_SIZE]:
        words[h.OLD_IDS_CURSOR] = 0
        words[h.OLD_IDS_STEP] = min(0, -step)
        if step < 0:
            words[h.OLD_IDS_SIZE] = 0


@inlined
def _take_along(market: Any, bucket: int, way: int) -> None:
    words = market.header
    # What the next new id will move is asked for now.
    last_bucket = (words[h.OLD_IDS_BASE] + words[h.OLD_IDS_SIZE] - 1) >> _BUCKET_BITS
    ahead = min(bucket + _BUCKETS_AHEAD, last_bucket)
    there = bucket_of(words[h.IDS_BASE], words[h.IDS_SIZE], market.id_lows[ahead, way])
    prefetch(market.ids, there, 0)
    prefetch(market.orders, max(market.id_halves[ahead, ID_STATE + way], 1) - 1, 0)
    state = market.id_halves[bucket, ID_STATE + way]
    if state > 0 or (state < 0 and _still_counts(market, state)):
        _move(market, market.id_lows[bucket, way], market.id_halves[bucket, ID_HIGH + way], state)


@called
def _move(market: Any, low: int, high: int, state: int) -> None:
    words = market.header
    free = _free_entry(market, words[h.IDS_BASE], words[h.IDS_SIZE], low)
    words[h.IDS_COUNT] += 1
    _set_id(market, free, low, high)
    _set_state(market, free, state)
    if state > 0:
        market.orders[state - 1].entry = free
