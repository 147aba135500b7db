"""Asking for memory before it is wanted.

What a command needs is anywhere in memory, and one thing tells where the next is: its id's bucket names an
order, that names a position. So it is asked for in steps, each some commands ahead of the one before. Waiting
for memory is otherwise the largest part of the kernel's time. Nothing here changes the market.

A market with few open orders has them in the near caches, and asking for more than a command's own would cost
more than it saves. In one with many, whose queues and lists go from anywhere to anywhere, it makes all of it
a third to a half faster.
"""

from __future__ import annotations

from typing import Any, Final

from engine.kernel import header as h
from engine.kernel.accounts import home_of
from engine.kernel.bits import lowest_bit
from engine.kernel.compile import inlined
from engine.kernel.ids import bucket_of, free_ways, ways_of
from engine.kernel.ladder import hint_of, key_of
from engine.kernel.layout import BUCKET, COMMAND, ID_STATE, LADDERS_PER_ASSET, MANY_ORDERS
from engine.kernel.market import prefetch

_COMMANDS_AHEAD: Final = 24
_BUCKETS_AHEAD: Final = 16
_ORDERS_AHEAD: Final = 8
_POSITIONS_AHEAD: Final = 4
_LEVELS_AHEAD: Final = 6
_QUEUES_AHEAD: Final = 4
_MAKERS_AHEAD: Final = 2
_LINE_BYTES: Final = 64
_COMMAND_LAST_BYTE: Final = COMMAND.itemsize - 1


@inlined
def foresee(market: Any, command: int) -> None:
    """Ask for what the commands behind one will want."""
    words = market.header
    last = len(market.commands) - 1
    new = min(command + _COMMANDS_AHEAD, last)
    prefetch(market.commands, new, 0)
    prefetch(market.commands, new, _COMMAND_LAST_BYTE)
    far = market.commands[min(command + _BUCKETS_AHEAD, last)]
    prefetch(market.text, far.text, 0)
    _foresee_id(market, words[h.IDS_BASE], words[h.IDS_SIZE], far.id_low)
    size = words[h.POSITION_TABLE_SIZE]
    prefetch(market.position_table, size + home_of(far.account, far.asset, size), 0)
    near = market.commands[min(command + _ORDERS_AHEAD, last)]
    order = _probable_order(market, words[h.IDS_BASE], words[h.IDS_SIZE], near.id_low)
    if words[h.OLD_IDS_STEP] > 0:
        _foresee_id(market, words[h.OLD_IDS_BASE], words[h.OLD_IDS_SIZE], far.id_low)
        old = _probable_order(market, words[h.OLD_IDS_BASE], words[h.OLD_IDS_SIZE], near.id_low)
        order = max(order, old)
    foresee_order(market, order)
    position = market.position_table[size + home_of(near.account, near.asset, size)] - 1
    prefetch(market.positions, position, 0)
    words[h.FORESEEN + (command & h.FORESEEN_MASK)] = order
    next_one = market.commands[min(command + _POSITIONS_AHEAD, last)]
    prefetch(market.accounts, next_one.account, 0)
    ordered = market.orders[
        words[h.FORESEEN + ((command + _POSITIONS_AHEAD - _ORDERS_AHEAD) & h.FORESEEN_MASK)]
    ]
    prefetch(market.positions, ordered.position, 0)
    prefetch(market.levels, ordered.level, 0)
    if words[h.OPEN_ORDERS] >= MANY_ORDERS:
        _foresee_neighbours(market, ordered)
        _foresee_book(market, command, last)


@inlined
def _foresee_neighbours(market: Any, ordered: Any) -> None:
    """Ask for those before and behind an order in its queues and its list, where it will leave them."""
    prefetch(market.orders, ordered.previous, 0)
    prefetch(market.orders, ordered.next, 0)
    prefetch(market.orders, ordered.account_previous, 0)
    prefetch(market.orders, ordered.account_next, 0)
    prefetch(market.orders, ordered.expiry_previous, _LINE_BYTES)
    prefetch(market.orders, ordered.expiry_next, _LINE_BYTES)


@inlined
def _foresee_book(market: Any, command: int, last: int) -> None:
    """Ask for the queues that new orders will join, and for the orders that they may trade with."""
    words = market.header
    placed = market.commands[min(command + _LEVELS_AHEAD, last)]
    asset = max(placed.asset, 0)
    side = placed.side & 1
    first = LADDERS_PER_ASSET * asset
    level = market.level_hints[hint_of(first + side, key_of(market, asset, placed.price))]
    best = max(market.ladders[first + 1 - side].first, 0)
    prefetch(market.levels, level, 0)
    prefetch(market.levels, best, 0)
    place = command & h.FORESEEN_MASK
    words[h.FORESEEN_LEVELS + place] = level
    words[h.FORESEEN_MAKERS + place] = best
    _foresee_queues(market, (command + _QUEUES_AHEAD - _LEVELS_AHEAD) & h.FORESEEN_MASK)
    maker = market.orders[
        words[h.FORESEEN_MAKERS + ((command + _MAKERS_AHEAD - _LEVELS_AHEAD) & h.FORESEEN_MASK)]
    ]
    prefetch(market.positions, maker.position, 0)
    prefetch(market.ids, maker.entry // BUCKET, 0)
    account = market.commands[min(command + _MAKERS_AHEAD, last)].account
    prefetch(market.orders, market.accounts[max(account, 0)].last_order, 0)


@inlined
def _foresee_queues(market: Any, place: int) -> None:
    words = market.header
    prefetch(market.orders, market.levels[words[h.FORESEEN_LEVELS + place]].tail, 0)
    best = market.levels[words[h.FORESEEN_MAKERS + place]]
    # The head of a level that has gone since is another such level.
    maker = best.head if best.count != 0 else 0
    foresee_order(market, maker)
    words[h.FORESEEN_MAKERS + place] = maker


@inlined
def foresee_order(market: Any, order: int) -> None:
    """Ask for an order's row, both its lines of memory."""
    prefetch(market.orders, order, 0)
    prefetch(market.orders, order, _LINE_BYTES)


@inlined
def _foresee_id(market: Any, base: int, size: int, low: int) -> None:
    prefetch(market.ids, bucket_of(base, size, low), 0)


@inlined
def _probable_order(market: Any, base: int, size: int, low: int) -> int:
    """Give the open order of an id if it is in its own bucket of a table; the first row otherwise.

    Where that bucket is full the one behind is asked for: every eighth id or so is there.
    """
    bucket = bucket_of(base, size, low)
    found = ways_of(market, bucket, low)
    prefetch(market.ids, bucket + (free_ways(market, bucket) == 0), 0)
    # Of a new id there is none, and the bucket's first order is not worth asking for.
    state = market.id_halves[bucket, ID_STATE + (lowest_bit(found | 1 << BUCKET) & (BUCKET - 1))]
    order = max(state, 1) - 1
    return order if found != 0 else 0
