"""A book kept from a stream, which proves that no change is missing."""

from __future__ import annotations

from homebroker.client.errors import ClientError
from homebroker.client.values import Book, BookChange, Level


class BrokenChainError(ClientError):
    """A change does not follow on the one before: something between them is missing."""


class LocalBook:
    """One symbol's price levels, after the command at `offset`; None before the first whole book."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.offset: int | None = None
        self.time_ms = 0
        self._bids: dict[float, Level] = {}
        self._asks: dict[float, Level] = {}

    @property
    def bid(self) -> float | None:
        """The best price that someone would buy at. Cost O(levels)."""
        return max(self._bids, default=None)

    @property
    def ask(self) -> float | None:
        """The best price that someone would sell at. Cost O(levels)."""
        return min(self._asks, default=None)

    def bids(self, count: int | None = None) -> list[Level]:
        """Give the best buying levels, best first. Cost O(levels · log levels)."""
        return [self._bids[price] for price in sorted(self._bids, reverse=True)[:count]]

    def asks(self, count: int | None = None) -> list[Level]:
        """Give the best selling levels, best first. Cost O(levels · log levels)."""
        return [self._asks[price] for price in sorted(self._asks)[:count]]

    def begin(self, book: Book) -> None:
        """Take a whole book."""
        self._bids = {level[0]: level for level in book.bids}
        self._asks = {level[0]: level for level in book.asks}
        self.offset, self.time_ms = book.offset, book.time_ms

    def apply(self, change: BookChange) -> None:
        """Take a change.

        Raises
        ------
        BrokenChainError
            When it does not follow on what the book has; the book then knows nothing until it begins again.
        """
        if self.offset is None or change.previous_offset != self.offset:
            has, self.offset = self.offset, None
            self._bids.clear()
            self._asks.clear()
            raise BrokenChainError(
                "broken_chain",
                f"{self.symbol}: a change after {change.previous_offset} came to a book at {has}.",
            )
        self.offset, self.time_ms = change.offset, change.time_ms
        _put(self._bids, change.bids)
        _put(self._asks, change.asks)


def _put(side: dict[float, Level], levels: tuple[Level, ...]) -> None:
    for level in levels:
        if level[1]:
            side[level[0]] = level
        else:
            side.pop(level[0], None)
