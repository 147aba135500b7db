"""The words of a shard's header: what is one number for the whole market."""

from __future__ import annotations

from typing import Final

OFFSET: Final = 0  # of the last command begun
TIME_MS: Final = 1
DAY: Final = 2  # Brasília days since 1970

ORDERS_USED: Final = 3  # rows ever taken; those on the list of ended orders included
ENDED_FIRST: Final = 4  # ended orders' rows, the oldest first
ENDED_LAST: Final = 5
ENDED_COUNT: Final = 6
OPEN_ORDERS: Final = 7
LEVELS_USED: Final = 8
LEVEL_FREE: Final = 9
NODES_USED: Final = 10
NODE_FREE: Final = 11
TEXTS_USED: Final = 12
TEXT_FREE: Final = 13
ASSETS_USED: Final = 14
ACCOUNTS_USED: Final = 15
POSITIONS_USED: Final = 16
FEES_USED: Final = 17
POSITION_TABLE_SIZE: Final = 18

# The table of order ids, and the one before it while its entries move over or are wiped (see ids.py).
IDS_BASE: Final = 19
IDS_SIZE: Final = 20
IDS_COUNT: Final = 21
IDS_HALF: Final = 22  # which half of the array the table is in
OLD_IDS_BASE: Final = 23
OLD_IDS_SIZE: Final = 24
OLD_IDS_CURSOR: Final = 25
OLD_IDS_STEP: Final = 26  # entries to move for each new id; negative: to wipe
ENDED_TODAY: Final = 27
ENDED_YESTERDAY: Final = 28

STATE_WORDS: Final = 29
"""The words before this one are the market's state; those from here on serve the command under way."""

STAGE: Final = 29
TAKER: Final = 30
ELECTED_FIRST: Final = 31
ELECTED_LAST: Final = 32
ELECT_ASSET: Final = 33
TRADES: Final = 34
TOUCHED_FIRST: Final = 35
TOUCHED_LAST: Final = 36
CANCEL_NEXT: Final = 37
CANCELED: Final = 38
UNCROSS_PRICE: Final = 39
TOLD_POSITION: Final = 40
EVENTS: Final = 41  # rows written by this call
CHANGED_LEVELS: Final = 42
SAY_PRICE: Final = 43  # what a refusal's message speaks of
SAY_DETAIL: Final = 44

ROOM: Final = 45  # new orders that there is certainly room for; 0: look
NEXT_IDS_PAGES: Final = 46  # pages of the next table of ids that were supplied
FORESEEN: Final = 48  # orders that commands soon to come may want (see foresight.py)
FORESEEN_LEVELS: Final = 56  # those of their prices
FORESEEN_MAKERS: Final = 64  # the levels, then the orders, that they may trade with
FORESEEN_MASK: Final = 7

WORDS: Final = 72

LISTS: Final = (
    ENDED_FIRST,
    ENDED_LAST,
    LEVEL_FREE,
    NODE_FREE,
    TEXT_FREE,
    ELECTED_FIRST,
    ELECTED_LAST,
    ELECT_ASSET,
    TOUCHED_FIRST,
    TOUCHED_LAST,
    CANCEL_NEXT,
    TOLD_POSITION,
)

IDS_SIZE_MIN: Final = 1 << 13
POSITION_TABLE_SIZE_MIN: Final = 1 << 10
