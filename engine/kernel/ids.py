"""Order ids that are or were in use: an open-addressing table that grows without a pause.

When it is full, a new table is begun, as large as the ids need that still count; each new id then takes some
entries of the old one along. After that the old one is wiped, some entries at a time as well, so that its
rows can serve again. Entries of orders that ended before yesterday count no more.
"""

from __future__ import annotations

from typing import Any, Final

from engine.kernel import header as h
from engine.kernel.compile import called, inlined, rarely
from engine.kernel.layout import NONE
from engine.kernel.market import prefetch

_FULL_IN_16: Final = 10
_CROWDED_IN_16: Final = 14
_LIVE_IN_16: Final = 5
_MOVED_AT_LEAST: Final = 8
_ENTRIES_AHEAD: Final = 12
_ORDERS_AHEAD: Final = 5
_ENDED_BEFORE: Final = 2  # so that the day before 1970 is still a negative state


@inlined
def find_entry(market: Any, low: int, high: int) -> int:
    """Give the entry of an id, NONE when it was never used or is forgotten."""
    words = market.header
    entry = _probe(market, words[h.IDS_BASE], words[h.IDS_SIZE], low, high)
    if entry == NONE and words[h.OLD_IDS_STEP] > 0:
        entry = _probe(market, words[h.OLD_IDS_BASE], words[h.OLD_IDS_SIZE], low, high)
    return entry


@inlined
def open_order(market: Any, low: int, high: int) -> int:
    """Give the open order of an id, or NONE."""
    entry = find_entry(market, low, high)
    return NONE if entry == NONE or market.ids[entry].state <= 0 else market.ids[entry].state - 1


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
def take_id(market: Any, low: int, high: int, entry: int, order: int) -> None:
    """Give an id to an open order; `entry` is the id's forgotten entry, or NONE."""
    words = market.header
    # An entry of the old table may be behind those that have moved already: the id gets a new one.
    if entry < words[h.IDS_BASE] or entry >= words[h.IDS_BASE] + words[h.IDS_SIZE]:
        entry = _free_entry(market, words[h.IDS_BASE], words[h.IDS_SIZE], low)
        words[h.IDS_COUNT] += 1
        market.ids[entry].low = low
        market.ids[entry].high = high
    market.ids[entry].state = order + 1
    market.orders[order].entry = entry
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
def foresee(market: Any, command: int) -> None:
    """Ask for what the commands behind one will want: their ids' entries, then the orders that those name.

    Both are anywhere in memory; without this, waiting for them is half of the kernel's time.
    """
    words = market.header
    last = len(market.commands) - 1
    far = market.commands[min(command + _ENTRIES_AHEAD, last)]
    prefetch(market.ids[words[h.IDS_BASE] + (far.id_low & (words[h.IDS_SIZE] - 1))])
    near = market.commands[min(command + _ORDERS_AHEAD, last)]
    state = market.ids[words[h.IDS_BASE] + (near.id_low & (words[h.IDS_SIZE] - 1))].state
    if state > 0:
        prefetch(market.orders[state - 1])


@inlined
def _still_counts(market: Any, state: int) -> bool:
    return -state - _ENDED_BEFORE >= market.header[h.DAY] - 1


@inlined
def _probe(market: Any, base: int, size: int, low: int, high: int) -> int:
    place = low & (size - 1)
    while True:
        entry = market.ids[base + place]
        if entry.state == 0:
            return NONE
        if entry.low == low and entry.high == high:
            return base + place
        place = (place + 1) & (size - 1)


@inlined
def _free_entry(market: Any, base: int, size: int, low: int) -> int:
    place = low & (size - 1)
    while market.ids[base + place].state != 0:
        place = (place + 1) & (size - 1)
    return base + place


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
