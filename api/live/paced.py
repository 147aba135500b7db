"""Channels that speak at most once an interval, as `book:250ms`: what changed meanwhile is told in one.

A channel that was silent for its interval speaks at once. What it says is state: of a book all levels that
changed since it last spoke, chained like the changes themselves; of candles those that changed; the newest
ticker.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct, field

from api.feed import Feed
from api.live.public_events import book_event_name, candle_event
from api.live.view import LiveView
from api.payloads import BookChange, BookLevels, Levels, encode
from engine.wire.records import PriceLevel

PACES_MS = MappingProxyType({"100ms": 100, "250ms": 250, "500ms": 500, "1s": 1_000})


class _Waiting(Protocol):
    def events(self, view: LiveView) -> Iterable[tuple[str, bytes]]:
        """Give what is to be told now."""
        ...


class BookDigest(Struct):
    """Changes of one book, taken together."""

    symbol: str
    whole: bool = False
    previous_offset: int = 0
    offset: int = -1
    time_ms: int = 0
    bids: dict[float, PriceLevel] = field(default_factory=dict)
    asks: dict[float, PriceLevel] = field(default_factory=dict)

    def add(self, change: BookLevels | BookChange) -> None:
        """Take in what comes next in the book's chain; after a whole book only that it is told whole."""
        if isinstance(change, BookLevels) or self.whole:
            self.whole = True
            return
        if self.offset < 0:
            self.previous_offset = change.previous_offset
        self.offset, self.time_ms = change.offset, change.time_ms
        self.bids.update((level[0], level) for level in change.bids)
        self.asks.update((level[0], level) for level in change.asks)

    def change(self) -> BookChange:
        """Give all changes as one, each side best price first."""
        return BookChange(
            symbol=self.symbol,
            offset=self.offset,
            previous_offset=self.previous_offset,
            time_ms=self.time_ms,
            bids=_sorted(self.bids, best_is_highest=True),
            asks=_sorted(self.asks, best_is_highest=False),
        )

    def events(self, view: LiveView) -> Iterable[tuple[str, bytes]]:
        """Give the change, or the whole book."""
        book = view.books[self.symbol].levels() if self.whole else self.change()
        yield book_event_name(book), encode(book)


class _Ticker(Struct):
    symbol: str

    def events(self, view: LiveView) -> Iterable[tuple[str, bytes]]:
        yield "ticker", encode(view.ticker(self.symbol))


class _Candles(Struct):
    symbol: str
    interval: str
    since_ms: int
    first_offset: int | None

    def events(self, view: LiveView) -> Iterable[tuple[str, bytes]]:
        series = view.candles[self.symbol][self.interval]
        for candle in series.since(self.since_ms, now_ms=view.time_ms):
            yield "candle", encode(candle_event(self.symbol, self.interval, candle))


class PacedChannels:
    """The paced channels of a feed that someone listens to, and what each has to tell."""

    def __init__(self, view: LiveView, feed: Feed) -> None:
        self._view = view
        self._feed = feed
        self._waiting: dict[str, _Waiting] = {}
        self._spoke_s: dict[str, float] = {}

    @property
    def untold_from(self) -> int | None:
        """The offset of the first trade whose candles still wait to be told."""
        offsets = [
            waiting.first_offset
            for waiting in self._waiting.values()
            if isinstance(waiting, _Candles) and waiting.first_offset is not None
        ]
        return min(offsets, default=None)

    def books(self, changes: Sequence[tuple[int, BookLevels | BookChange]]) -> None:
        """Take in changes of books, in the log's order."""
        wanted: dict[str, list[str]] = {}
        for _, change in changes:
            channels = wanted.get(change.symbol)
            if channels is None:
                channels = wanted[change.symbol] = self._wanted("book", change.symbol)
            for channel in channels:
                digest = self._waiting.setdefault(channel, BookDigest(change.symbol))
                assert isinstance(digest, BookDigest)
                digest.add(change)

    def ticker(self, symbol: str) -> None:
        """Note that a ticker changed."""
        for channel in self._wanted("tickers", symbol):
            self._waiting.setdefault(channel, _Ticker(symbol))

    def candles(self, symbol: str, interval: str, since_ms: int, *, first_offset: int | None) -> None:
        """Note that the candles since a time changed, by trades of which the first has an offset, if any."""
        for channel in self._wanted(f"candles:{interval}", symbol):
            before = self._waiting.get(channel)
            if isinstance(before, _Candles):
                before.since_ms = min(before.since_ms, since_ms)
                if before.first_offset is None:
                    before.first_offset = first_offset
            else:
                self._waiting[channel] = _Candles(symbol, interval, since_ms, first_offset)

    def due_in_s(self, now_s: float) -> float | None:
        """Give the seconds until a channel is to speak; None when none has anything to tell."""
        due = [self._due_s(channel) for channel in self._waiting]
        return max(0.0, min(due) - now_s) if due else None

    def tell_due(self, now_s: float) -> bool:
        """Tell what is due; gives whether anything was."""
        due = [channel for channel in self._waiting if self._due_s(channel) <= now_s]
        for channel in due:
            self._tell(channel)
            self._spoke_s[channel] = now_s
        return bool(due)

    def tell_now(self, names: Collection[str]) -> None:
        """Tell what the named channels have, so that who joins them now begins where all others are."""
        kinds = {name.rpartition(":")[0] for name in names if name.endswith(":*")}
        for channel in list(self._waiting):
            if channel in names or channel.rpartition(":")[0] in kinds:
                self._tell(channel)

    def _tell(self, channel: str) -> None:
        for event, data in self._waiting.pop(channel).events(self._view):
            self._feed.add_state(channel, event, data)

    def _due_s(self, channel: str) -> float:
        pace_ms = PACES_MS[channel.split(":")[-2]]
        return self._spoke_s.get(channel, float("-inf")) + pace_ms / 1_000

    def _wanted(self, kind: str, symbol: str) -> list[str]:
        channels = [f"{kind}:{pace}:{symbol}" for pace in PACES_MS]
        return [channel for channel in channels if self._feed.is_wanted(channel)]


def _sorted(side: dict[float, PriceLevel], *, best_is_highest: bool) -> Levels:
    return tuple(side[price] for price in sorted(side, reverse=best_is_highest))
