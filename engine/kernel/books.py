"""Price levels out of the arrays, for book records."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.kernel import header as h
from engine.kernel.compile import compiled
from engine.kernel.ids import open_order
from engine.kernel.ladder import find_level, next_level
from engine.kernel.layout import LADDERS_PER_ASSET, NONE
from engine.kernel.market import market_of
from engine.kernel.memory import Array

TOLD_LEVEL: Final = np.dtype(
    [("key", "i8"), ("quantity", "i8"), ("asset", "i4"), ("ladder", "i4"), ("count", "i4"), ("pad", "i4")],
    align=True,
)
"""A price level as readers are told: ticks, shares that show, which book and side, orders."""


@compiled
def take_changed_levels(header: Array, told: Array) -> int:
    """Give the levels that changed since the last call as they now are; emptied ones have no orders.

    Parameters
    ----------
    header : ndarray
        The shard's header.
    told : ndarray of TOLD_LEVEL
        Written from row 0 on; as long as `changed_levels`.

    Returns
    -------
    int
        The rows written. A level that went and came back may be among them twice, alike.
    """
    market = market_of(header)
    count = header[h.CHANGED_LEVELS]
    for place in range(count):
        changed = market.changed_levels[place]
        level = find_level(market, LADDERS_PER_ASSET * changed.asset + changed.ladder, changed.key)
        row = told[place]
        row.key = changed.key
        row.asset = changed.asset
        row.ladder = changed.ladder
        row.quantity = 0
        row.count = 0
        if level != NONE:
            market.level_changed[level] = 0
            row.quantity = market.levels[level].quantity
            row.count = market.levels[level].count
    header[h.CHANGED_LEVELS] = 0
    return count


@compiled
def count_levels(header: Array, asset: int, ladder: int) -> int:
    """Count the levels of a side of a book."""
    market = market_of(header)
    which = LADDERS_PER_ASSET * asset + ladder
    count = 0
    level = market.ladders[which].first
    while level != NONE:
        count += 1
        level = next_level(market, which, level)
    return count


@compiled
def read_levels(header: Array, asset: int, ladder: int, told: Array) -> None:
    """Write a side of a book, best first, into as many rows of TOLD_LEVEL as it has levels."""
    market = market_of(header)
    which = LADDERS_PER_ASSET * asset + ladder
    level = market.ladders[which].first
    for place in range(len(told)):
        row = told[place]
        row.key = market.levels[level].key
        row.asset = asset
        row.ladder = ladder
        row.quantity = market.levels[level].quantity
        row.count = market.levels[level].count
        level = next_level(market, which, level)


@compiled
def open_order_row(header: Array, low: int, high: int) -> int:
    """Give the row of the open order whose id has this fingerprint, or NONE."""
    return open_order(market_of(header), low, high)
