"""How the market lies in memory: the rows of its arrays, and the words that they use as numbers.

All arrays have a fixed number of rows, given by `Capacity`. Their address space is reserved at once and
memory is taken by the system as rows are first used, so that growing needs no copying and no pause; a market
that is full refuses what it has no room for.

Numbers that point to rows are int32, -1 for none. Money is in ten-thousandths of the currency unit,
quantities in shares, times in UTC milliseconds.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from msgspec import Struct

from engine.domain import (
    ExecutionType,
    Liquidity,
    OrderType,
    Phase,
    Reason,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
)

NONE: Final = -1
HOUSE: Final = 0
"""The row of the account that fees are paid to."""

# Words as numbers: the place of each in its enum, plus one where 0 says that there is none.
SIDES: Final = tuple(Side)
ORDER_TYPES: Final = tuple(OrderType)
TIMES_IN_FORCE: Final = tuple(TimeInForce)
SELF_TRADES: Final = tuple(SelfTrade)
PHASES: Final = tuple(Phase)
STATUSES: Final = tuple(Status)
EXECUTION_TYPES: Final = tuple(ExecutionType)
LIQUIDITIES: Final = (None, *Liquidity)
REASONS: Final = (None, *Reason)


class CommandKind(IntEnum):
    """What a command row asks for."""

    MALFORMED = 0
    PLACE = 1
    CANCEL = 2
    CANCEL_ALL = 3
    AMEND = 4
    LIST_ASSET = 5
    OPEN_ACCOUNT = 6
    DEPOSIT = 7
    WITHDRAW = 8
    SET_PHASE = 9
    SET_LIMITS = 10
    KILL_SWITCH = 11


class EventKind(IntEnum):
    """What an event row tells."""

    EXECUTION = 0
    ACCOUNT = 1
    ASSET = 2


# A command, decoded. Fields that its kind does not use are 0. `account` and `asset` are rows, NONE when there
# is no such name yet (a cancel_all, deposit or withdrawal without a symbol has ANY_ASSET, as a kill_switch
# has). `id_low` and `id_high` are 96 bits of a hash of the order id. The texts stand, as UTF-8 escaped for
# JSON, one behind the other in the batch's text from `text` on, in the order of their lengths here: order id,
# client order id, investor id, symbol, message (of a malformed record). `client_length` 0: it has none.
#   place, amend: `price`, `stop_price` ten-thousandths, 0 for none; `quantity` shares (amend: 0 for none)
#   list_asset: `price` the reference price, `stop_price` the tick, `quantity` the lot, `id_low` the bits of
#               the band's float64, 0 without one; `display_quantity` the maker's fee in millionths,
#               `expires_at_ms` the taker's; its name is its message
#   open_account: `flag` unlimited
#   deposit, withdraw: `price` cash, 0 for none; `quantity` shares, 0 for none; with a transfer id, which is
#               its message, `flag`, 96 bits of a hash of it in `id_low` and `id_high`, and 96 of it with all
#               else that the command says in `stop_price` and `display_quantity`
#   set_phase: `side` the phase
#   set_limits: `price` the largest order value, `quantity` the open orders, `display_quantity` the orders a
#               second, 0 for no limit
#   kill_switch: `flag` on
COMMAND: Final = np.dtype(
    [
        ("offset", "i8"),
        ("time_ms", "i8"),
        ("id_low", "i8"),
        ("price", "i8"),
        ("stop_price", "i8"),
        ("expires_at_ms", "i8"),
        ("id_high", "i4"),
        ("account", "i4"),
        ("asset", "i4"),
        ("quantity", "i4"),
        ("display_quantity", "i4"),
        ("text", "i4"),
        ("id_length", "i2"),
        ("client_length", "i2"),
        ("investor_length", "i2"),
        ("symbol_length", "i2"),
        ("message_length", "i2"),
        ("kind", "u1"),
        ("side", "u1"),
        ("type", "u1"),
        ("time_in_force", "u1"),
        ("self_trade", "u1"),
        ("flag", "u1"),  # place: post_only
    ],
    align=True,
)
ANY_ASSET: Final = -2

# What happened, in order. Of a trade there are two rows, the maker's and then the taker's, and `trade` is its
# place among the command's trades. `order` is the order's row, whose text stays readable until some thousand
# further orders have ended; NONE where no order is reported or it was refused as new: then `command` tells
# all. `price` and `quantity` are the order's, `traded` its price × quantity so far. `last_price` and `detail`
# are what `message` (a row of engine.messages, 0 for none) speaks of, where nothing traded; of a trade,
# `detail` is the order's fee.
EXECUTION: Final = np.dtype(
    [
        ("kind", "u1"),
        ("execution_type", "u1"),
        ("status", "u1"),
        ("reason", "u1"),
        ("liquidity", "u1"),
        ("message", "u1"),
        ("pad", "u2"),
        ("command", "i4"),
        ("order", "i4"),
        ("price", "i8"),
        ("traded", "i8"),
        ("last_price", "i8"),
        ("detail", "i8"),
        ("quantity", "i4"),
        ("filled", "i4"),
        ("last_quantity", "i4"),
        ("trade", "i4"),
    ],
    align=True,
)
# The same bytes, where `kind` is ACCOUNT: an account with one position that the command changed (NONE: with
# none). Rows of one account that follow each other within a command are one account's change.
ACCOUNT_EVENT: Final = np.dtype(
    [
        ("kind", "u1"),
        ("position", "i4"),
        ("command", "i4"),
        ("account", "i4"),
        ("cash", "i8"),
        ("held_cash", "i8"),
        ("quantity", "i8"),
        ("held_quantity", "i8"),
        ("cost", "i8"),
        ("realized_profit", "i8"),
    ],
    align=True,
)
# The same bytes again, where `kind` is ASSET: the asset as it now is.
ASSET_EVENT: Final = np.dtype(
    [
        ("kind", "u1"),
        ("phase", "u1"),
        ("pad", "u1", (6,)),
        ("command", "i4"),
        ("asset", "i4"),
        ("band", "i8"),
        ("maker_fee", "i4"),
        ("taker_fee", "i4"),
        ("pad2", "i8", (4,)),
    ],
    align=True,
)
EVENT_BYTES: Final = 64  # a cache line
assert EXECUTION.itemsize == ACCOUNT_EVENT.itemsize == ASSET_EVENT.itemsize == EVENT_BYTES

# An open order. It is in one queue of a ladder (a price of its book, or a stop price), in its account's list,
# and, when it expires, in a queue of the ladder of expiries. `shown` is what of it may trade before it queues
# again, `share_cost` what a buy holds for each share that is left, `fees` the row of those that it pays;
# `account_previous` is UNLISTED while it is not in its account's list. The bytes of its two ids, its client
# order id last, begin in `text` and `text_2`; those behind are in the chunks from `more_text` on, NONE where
# there are none, and behind them, at the next whole word, the `expires_at_ms` of a gtd order. The row is two
# cache lines, of which neighbours in a queue or a list need the first alone.
ORDER: Final = np.dtype(
    [
        ("price", "i8"),
        ("share_cost", "i8"),
        ("traded", "i8"),
        ("quantity", "i4"),
        ("filled", "i4"),
        ("shown", "i4"),
        ("previous", "i4"),
        ("next", "i4"),
        ("level", "i4"),
        ("position", "i4"),
        ("account_previous", "i4"),
        ("account_next", "i4"),
        ("entry", "i4"),
        ("text", "i8"),
        ("text_2", "i8"),
        ("stop_price", "i8"),
        ("accepted_offset", "i8"),
        ("display_quantity", "i4"),
        ("expiry_previous", "i4"),
        ("expiry_next", "i4"),
        ("expiry_level", "i4"),
        ("more_text", "i4"),
        ("id_length", "i2"),
        ("client_length", "i2"),
        ("side", "u1"),
        ("type", "u1"),
        ("time_in_force", "u1"),
        ("self_trade", "u1"),
        ("post_only", "u1"),
        ("status", "u1"),
        ("fees", "u2"),
    ],
    align=True,
)
ORDER_TEXT_BYTES: Final = 16  # in the row
WORD_BYTES: Final = 8
PAGE_BYTES: Final = 4096  # of memory, as the system supplies it
UNLISTED: Final = -2
assert ORDER.itemsize == 128


def expiry_place(text_length: int) -> int:
    """Give the byte of an order's texts, row and chunks together, at which a gtd order keeps its end."""
    return max(ORDER_TEXT_BYTES, -(-text_length // WORD_BYTES) * WORD_BYTES)


# The queue of one price (or time). `quantity` is what shows, `total` all that is left. A free row's `head` is
# the next free one.
LEVEL: Final = np.dtype(
    [
        ("key", "i8"),
        ("quantity", "i8"),
        ("total", "i8"),
        ("head", "i4"),
        ("tail", "i4"),
        ("count", "i4"),
        ("node", "i4"),
        ("pad", "i8", (3,)),
    ],
    align=True,
)
assert LEVEL.itemsize == 64, "a cache line"

MANY_ORDERS: Final = 1 << 14
"""From so many open orders on they are in no near cache, and what surrounds them is asked for ahead too."""
# The level of a key when an order last came to it, at `hint_of` the key: what to ask for ahead, right or not,
# and no part of the state.
LEVEL_HINTS: Final = 1 << 18

# A radix tree of 64-way nodes over keys; see ladder.py. A free node's `parent` is the next free one.
NODE: Final = np.dtype([("bits", "i8"), ("parent", "i4"), ("pad", "i4")], align=True)
NODE_WAYS: Final = 64
LADDER: Final = np.dtype([("root", "i4"), ("height", "i4"), ("first", "i4")], align=True)


class Ladder(IntEnum):
    """Which of an asset's four ladders."""

    BIDS = 0
    ASKS = 1
    BUY_STOPS = 2
    SELL_STOPS = 3


LADDERS_PER_ASSET: Final = 4

# A listed asset. `ticks_in_unit` is 1 / `tick`. `last_price` 0: no trade yet. `reach` NONE: no band; `band`
# has the bits of the float64 that it is known by. `fees` is the row of those that new orders will pay.
ASSET: Final = np.dtype(
    [
        ("reference_price", "i8"),
        ("tick", "i8"),
        ("ticks_in_unit", "f8"),
        ("reach", "i8"),
        ("band", "i8"),
        ("last_price", "i8"),
        ("lot", "i4"),
        ("phase", "u1"),
        ("listed", "u1"),
        ("fees", "u2"),
    ],
    align=True,
)

# What orders pay for a trade, in millionths of its value. Row 0 is of no fees; a row is written once, when an
# asset is listed with fees that none was before.
FEES: Final = np.dtype([("maker", "i4"), ("taker", "i4"), ("highest", "i4"), ("pad", "i4")], align=True)

# `touched` is the offset of the last command that changed it, `next_touched` the next account that the same
# one did. Of the limits 0 is none; `orders_in_second` counts those of the log's `second`, while there is a
# limit to them.
ACCOUNT: Final = np.dtype(
    [
        ("cash", "i8"),
        ("held_cash", "i8"),
        ("touched", "i8"),
        ("order_value_max", "i8"),
        ("second", "i8"),
        ("orders_in_second", "i4"),
        ("orders_per_second_max", "i4"),
        ("open_orders", "i4"),
        ("open_orders_max", "i4"),
        ("next_touched", "i4"),
        ("first_touched_position", "i4"),
        ("last_touched_position", "i4"),
        ("first_order", "i4"),
        ("last_order", "i4"),
        ("open", "u1"),
        ("unlimited", "u1"),
        ("trading_disabled", "u1"),
        ("pad", "u1"),
    ],
    align=True,
)
POSITION: Final = np.dtype(
    [
        ("quantity", "i8"),
        ("held_quantity", "i8"),
        ("cost", "i8"),
        ("realized_profit", "i8"),
        ("touched", "i8"),
        ("account", "i4"),
        ("asset", "i4"),
        ("next_touched", "i4"),
        ("pad", "i4", (3,)),
    ],
    align=True,
)

# Order ids that are or were in use, four entries to a cache line. `state` 0: a free entry; positive: the open
# order's row plus one; negative: the order has ended, on the day -state. Of a transfer that was done there
# are two such entries. What is alike of the four stands together, so that one instruction looks at all.
BUCKET: Final = 4
ID_BUCKET: Final = np.dtype(
    [("low", "i8", (BUCKET,)), ("high", "i4", (BUCKET,)), ("state", "i4", (BUCKET,))], align=True
)
ID_HIGH: Final = 8
"""The first column of a bucket's `high`, where it is a row of int32."""
ID_STATE: Final = 12
"""The first column of its `state`."""
assert ID_BUCKET.itemsize == 64

TEXT_CHUNK_BYTES: Final = 32

# Price levels that changed since books were last taken: asset, ladder (BIDS or ASKS), key in ticks.
CHANGED_LEVEL: Final = np.dtype([("key", "i8"), ("asset", "i4"), ("ladder", "i4")], align=True)

# The command that last changed an asset's book, and whether readers were not told yet.
PUBLICATION: Final = np.dtype([("offset", "i8"), ("time_ms", "i8"), ("pending", "i8")], align=True)

# Ended orders' rows are used again in turn, and none before this many others have ended: the events of one
# call of the kernel (fewer) can still read them. In the log's order, so that the state shows no batches.
ORDERS_KEPT: Final = 640
EVENTS_SOFT_MAX: Final = 512
"""The kernel returns once it has written about this many events; they are still in the cache then."""
EVENTS_MARGIN: Final = 16


class Capacity(Struct, frozen=True, kw_only=True):
    """How many rows each array has; reserved, not taken."""

    orders: int = 1 << 23
    levels: int = 1 << 23
    nodes: int = 1 << 22
    assets: int = 1 << 12
    fees: int = 1 << 16  # pairs of a maker's and a taker's fee; at most what `fees` of an order can name
    accounts: int = 1 << 22
    positions: int = 1 << 23
    ids: int = 1 << 25  # entries of the largest table; a power of two
    text_chunks: int = 1 << 25
    changed_levels: int = 1 << 16


# A name: where its bytes, escaped for JSON, stand in the names' text.
NAME: Final = np.dtype([("start", "i4"), ("length", "i4")], align=True)
