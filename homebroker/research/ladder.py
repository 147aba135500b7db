"""A symbol's book, kept up to date from what readers are told of it."""

from __future__ import annotations

import heapq

from engine.domain import BookChanged, Level


class Ladder:
    """Both sides of a book by price.

    Attributes
    ----------
    bids, asks : dict of int to Level
        By price in units; nothing of a price at which nothing rests.
    """

    def __init__(self) -> None:
        self.bids: dict[int, Level] = {}
        self.asks: dict[int, Level] = {}

    def take(self, change: BookChanged) -> None:
        """Take in changed levels."""
        for side, levels in ((self.bids, change.bids), (self.asks, change.asks)):
            if change.snapshot:
                side.clear()
            for level in levels:
                if level.quantity:
                    side[level.price_units] = level
                else:
                    side.pop(level.price_units, None)

    def best(self, levels: int) -> tuple[list[Level], list[Level]]:
        """Give the best levels of both sides."""
        bids = heapq.nlargest(levels, self.bids) if levels > 1 else [max(self.bids)] if self.bids else []
        asks = heapq.nsmallest(levels, self.asks) if levels > 1 else [min(self.asks)] if self.asks else []
        return [self.bids[price] for price in bids], [self.asks[price] for price in asks]

    def copy(self) -> Ladder:
        """Give the same book, which goes its own way from now on."""
        twin = Ladder()
        twin.bids, twin.asks = dict(self.bids), dict(self.asks)
        return twin
