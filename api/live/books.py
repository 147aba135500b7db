"""The books as the log tells them: whole ones from snapshots, then changes."""

from __future__ import annotations

from api.payloads import BookChange, BookLevels, Levels, encode
from engine.identity import SeenBooks
from engine.wire.records import BookRecord, PriceLevel

_BEFORE_ALL = -1


class LiveBook:
    """One symbol's price levels; not `known` until its first snapshot, or after a gap in the chain."""

    def __init__(self, symbol: str, *, known: bool) -> None:
        self.symbol = symbol
        self.known = known
        self.offset = _BEFORE_ALL
        self.time_ms = 0
        self._bids: dict[float, PriceLevel] = {}
        self._asks: dict[float, PriceLevel] = {}
        self._encoded: dict[int, bytes] = {}

    @property
    def bid(self) -> float | None:
        """The best price that someone would buy at. Cost O(levels)."""
        return max(self._bids, default=None)

    @property
    def ask(self) -> float | None:
        """The best price that someone would sell at. Cost O(levels)."""
        return min(self._asks, default=None)

    def levels(self, count: int | None = None) -> BookLevels:
        """Give the best levels of each side, all without a `count`. Cost O(levels · log levels)."""
        return BookLevels(
            symbol=self.symbol,
            offset=self.offset,
            time_ms=self.time_ms,
            bids=tuple(self._bids[price] for price in sorted(self._bids, reverse=True)[:count]),
            asks=tuple(self._asks[price] for price in sorted(self._asks)[:count]),
        )

    def encoded(self, count: int) -> bytes:
        """Give the best levels as JSON, made once after each change for each count that is asked for."""
        found = self._encoded.get(count)
        if found is None:
            found = self._encoded[count] = encode(self.levels(count))
        return found

    def apply(self, record: BookRecord) -> BookLevels | BookChange | None:
        """Take in a record and give what a follower of this book needs; nothing when it does not fit."""
        if record.snapshot and self.known and record.offset == self.offset:
            return None
        if record.snapshot:
            self._bids.clear()
            self._asks.clear()
            self.known = True
        elif not self.known:
            return None
        elif record.previous_offset > self.offset:
            self.known = False
            return None
        self._encoded.clear()
        previous_offset, self.offset, self.time_ms = self.offset, record.offset, record.time_ms
        _put(self._bids, record.bids)
        _put(self._asks, record.asks)
        if record.snapshot:
            return self.levels()
        return BookChange(
            symbol=self.symbol,
            offset=record.offset,
            previous_offset=previous_offset,
            time_ms=record.time_ms,
            bids=record.bids,
            asks=record.asks,
        )


class LiveBooks:
    """All books. `from_start` says that the log is read from its first record, where books are empty."""

    def __init__(self, *, from_start: bool) -> None:
        self._from_start = from_start
        self._books: dict[str, LiveBook] = {}
        self._seen = SeenBooks()

    def __getitem__(self, symbol: str) -> LiveBook:
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = LiveBook(symbol, known=self._from_start)
        return book

    def apply(self, record: BookRecord) -> BookLevels | BookChange | None:
        """Take in a record; gives nothing for a repeat, or before the symbol's first snapshot."""
        return self[record.symbol].apply(record) if self._seen.is_new(record) else None


def _put(side: dict[float, PriceLevel], levels: Levels) -> None:
    for level in levels:
        if level[1]:
            side[level[0]] = level
        else:
            side.pop(level[0], None)
