"""Price levels in order: a radix tree of 64-way nodes over keys, as high as its largest key needs.

A ladder holds the levels of one side of a book (keys are ticks), of one kind of stop orders, or of expiry
times. A node's 64 bits say which of its ways are taken; a way of a leaf is a level, of any other node a node.
So the next level is found by counting zeros, any range of keys works alike, and memory follows the levels
that exist.

Bids and sell stops run from the highest key down, all other ladders from the lowest up.
"""

from __future__ import annotations

from typing import Any, Final

from engine.kernel import header as h
from engine.kernel.bits import highest_bit, lowest_bit
from engine.kernel.compile import called, inlined, rarely
from engine.kernel.layout import LADDERS_PER_ASSET, LEVEL_HINTS, NONE

DIGIT_BITS: Final = 6
_DIGIT: Final = 63
# So that the two sides of a book near 4,096 ticks are of one height: how many steps down there will be was
# foreseen wrongly for every other order.
_HEIGHT_MIN: Final = 2


@inlined
def key_of(market: Any, asset: int, price: int) -> int:
    """Give a price in ticks, to the nearest. Dividing whole numbers would take ten times as long."""
    return int(price * market.assets[asset].ticks_in_unit + 0.5)


@inlined
def runs_down(which: int) -> bool:
    """Tell whether a ladder's first level is the one with the highest key."""
    return ((which + 1) & (LADDERS_PER_ASSET - 1)) < 2


@called
def find_level(market: Any, which: int, key: int) -> int:
    """Give the level of a key, or NONE. Cost O(height)."""
    ladder = market.ladders[which]
    node = ladder.root
    if node == NONE or key >> (DIGIT_BITS * (ladder.height + 1)) != 0:
        return NONE
    shift = DIGIT_BITS * ladder.height
    while True:
        digit = (key >> shift) & _DIGIT
        if (market.nodes[node].bits >> digit) & 1 == 0:
            return NONE
        child = market.children[node, digit]
        if shift == 0:
            return child
        node = child
        shift -= DIGIT_BITS


@inlined
def hint_of(which: int, key: int) -> int:
    """Give the place of the hint at a key's level."""
    return ((which << 9) ^ key) & (LEVEL_HINTS - 1)


@inlined
def obtain_level(market: Any, which: int, key: int) -> int:
    """Give the level of a key, a new empty one where there is none. Cost O(height)."""
    ladder = market.ladders[which]
    _raise_root(market, which, key)
    node = ladder.root
    shift = DIGIT_BITS * ladder.height
    while shift > 0:
        digit = (key >> shift) & _DIGIT
        if (market.nodes[node].bits >> digit) & 1 == 0:
            child = _new_node(market, node)
            market.nodes[node].bits |= 1 << digit
            market.children[node, digit] = child
        else:
            child = market.children[node, digit]
        node = child
        shift -= DIGIT_BITS
    digit = key & _DIGIT
    if (market.nodes[node].bits >> digit) & 1 != 0:
        return market.children[node, digit]
    level = _new_level(market, node, key)
    market.nodes[node].bits |= 1 << digit
    market.children[node, digit] = level
    first = ladder.first
    if first == NONE or (
        key > market.levels[first].key if runs_down(which) else key < market.levels[first].key
    ):
        ladder.first = level
    return level


@inlined
def next_level(market: Any, which: int, level: int) -> int:
    """Give the level behind another, or NONE. Cost O(height)."""
    node = market.levels[level].node
    key = market.levels[level].key
    shift = 0
    down = runs_down(which)
    while True:
        digit = (key >> shift) & _DIGIT
        if down:
            behind = market.nodes[node].bits & ((1 << digit) - 1)
        else:
            behind = market.nodes[node].bits & (-2 << digit)
        if behind != 0:
            break
        node = market.nodes[node].parent
        if node == NONE:
            return NONE
        shift += DIGIT_BITS
    while True:
        child = market.children[node, highest_bit(behind) if down else lowest_bit(behind)]
        if shift == 0:
            return child
        node = child
        shift -= DIGIT_BITS
        behind = market.nodes[node].bits


@inlined
def drop_level(market: Any, which: int, level: int) -> None:
    """Take an empty level out, and the nodes that led to it alone. Cost O(height)."""
    ladder = market.ladders[which]
    if ladder.first == level:
        ladder.first = next_level(market, which, level)
    key = market.levels[level].key
    node = market.levels[level].node
    shift = 0
    while True:
        market.nodes[node].bits &= ~(1 << ((key >> shift) & _DIGIT))
        if market.nodes[node].bits != 0:
            break
        parent = market.nodes[node].parent
        market.nodes[node].parent = market.header[h.NODE_FREE]
        market.header[h.NODE_FREE] = node
        if parent == NONE:
            ladder.root = NONE
            ladder.height = 0
            break
        node = parent
        shift += DIGIT_BITS
    market.levels[level].head = market.header[h.LEVEL_FREE]
    market.level_changed[level] = 0
    market.header[h.LEVEL_FREE] = level


@rarely
def _raise_root(market: Any, which: int, key: int) -> None:
    ladder = market.ladders[which]
    if ladder.root == NONE:
        ladder.root = _new_node(market, NONE)
        ladder.height = _HEIGHT_MIN
        while key >> (DIGIT_BITS * (ladder.height + 1)) != 0:
            ladder.height += 1
        return
    while key >> (DIGIT_BITS * (ladder.height + 1)) != 0:
        top = _new_node(market, NONE)
        market.nodes[top].bits = 1
        market.children[top, 0] = ladder.root
        market.nodes[ladder.root].parent = top
        ladder.root = top
        ladder.height += 1


@rarely
def _new_node(market: Any, parent: int) -> int:
    node = market.header[h.NODE_FREE]
    if node == NONE:
        node = market.header[h.NODES_USED]
        market.header[h.NODES_USED] += 1
    else:
        market.header[h.NODE_FREE] = market.nodes[node].parent
    market.nodes[node].bits = 0
    market.nodes[node].parent = parent
    return node


@inlined
def _new_level(market: Any, node: int, key: int) -> int:
    level = market.header[h.LEVEL_FREE]
    if level == NONE:
        level = market.header[h.LEVELS_USED]
        market.header[h.LEVELS_USED] += 1
    else:
        market.header[h.LEVEL_FREE] = market.levels[level].head
    row = market.levels[level]
    row.key = key
    row.quantity = 0
    row.total = 0
    row.count = 0
    row.head = NONE
    row.tail = NONE
    row.node = node
    return level
