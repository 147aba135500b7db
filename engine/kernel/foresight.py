"""Asking for memory before it is wanted.

What a command needs is anywhere in memory, and one thing tells where the next is: its id's bucket names an
order, that names a position. So it is asked for in steps, each some commands ahead of the one before. Waiting
for memory is otherwise the largest part of the kernel's time. Nothing here changes the market.
"""

from __future__ import annotations

from typing import Any, Final

from engine.kernel import header as h
from engine.kernel.accounts import home_of
from engine.kernel.bits import lowest_bit
from engine.kernel.compile import inlined
from engine.kernel.ids import bucket_of, ways_of
from engine.kernel.layout import BUCKET, COMMAND, ID_STATE
from engine.kernel.market import prefetch

_COMMANDS_AHEAD: Final = 24
_BUCKETS_AHEAD: Final = 16
_ORDERS_AHEAD: Final = 8
_POSITIONS_AHEAD: Final = 4
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


@inlined
def foresee_order(market: Any, order: int) -> None:
    """Ask for an order's row, both its lines of memory."""
    prefetch(market.orders, order, 0)
    prefetch(market.orders, order, _LINE_BYTES)


@inlined
def _foresee_id(market: Any, base: int, size: int, low: int) -> None:
    """Ask for an id's bucket and the one behind it, where every eighth id or so is."""
    bucket = bucket_of(base, size, low)
    prefetch(market.ids, bucket, 0)
    prefetch(market.ids, bucket, _LINE_BYTES)


@inlined
def _probable_order(market: Any, base: int, size: int, low: int) -> int:
    """Give the open order of an id if it is in its own bucket of a table; the first row otherwise."""
    bucket = bucket_of(base, size, low)
    found = ways_of(market, bucket, low)
    # Of a new id there is none, and the bucket's first order is not worth asking for.
    state = market.id_halves[bucket, ID_STATE + (lowest_bit(found | 1 << BUCKET) & (BUCKET - 1))]
    order = max(state, 1) - 1
    return order if found != 0 else 0
