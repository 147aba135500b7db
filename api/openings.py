"""What a stream begins with: for a newcomer the market as it is, for one who came back what was missed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Protocol, TypeAlias

from msgspec import Struct

from api.feed import Feed, Resumption
from api.feed.places import is_unfinished, unfinished
from api.feed.subscription import body, frame
from api.live.candles import INTERVALS_MS
from api.live.publisher import candle_event
from api.live.view import LiveView
from api.payloads import encode

Events: TypeAlias = Iterable[tuple[str, bytes]]

_KINDS = ("trades", "book", "tickers")
_RETRY = b"retry: 1000\n\n"
_RESET = b'{"reason":"too_old","message":"The events since then are no longer kept; a fresh view follows."}'
EVERY_SYMBOL = "*"
_OPEN_ORDERS_MAX = 5_000


class BadChannelError(ValueError):
    """A channel that the stream does not have."""


class Opening(Protocol):
    """What a stream is of, and what it begins with."""

    def channels(self) -> frozenset[str]:
        """Name the feed's channels."""
        ...

    def fresh(self) -> Events:
        """Give the events that a newcomer begins with."""
        ...

    def caught_up(self, missed: Resumption) -> Events:
        """Give the newest state where the feed does not tell what changed of it."""
        ...


class MarketOpening(Struct, frozen=True, kw_only=True):
    """Of the public stream."""

    view: LiveView
    symbols: tuple[str, ...]
    kinds: tuple[str, ...]

    def channels(self) -> frozenset[str]:
        """Name the feed's channels."""
        return frozenset(f"{kind}:{symbol}" for kind in self.kinds for symbol in self.symbols)

    def fresh(self) -> Events:
        """Give the whole books, the newest candles and the tickers."""
        for symbol in self._listed():
            if "book" in self.kinds and self.view.books[symbol].known:
                yield "book_snapshot", encode(self.view.books[symbol].levels())
            yield from self._candles(symbol, None)
            yield from self._ticker(symbol)

    def caught_up(self, missed: Resumption) -> Events:
        """Give the tickers, and the candles that may have changed since the listener was told of them.

        The last trade that it knows the candle of is in that of the first one after, or in the one before.
        """
        for symbol in self._listed():
            yield from self._candles(symbol, missed.untold_ms.get(f"trades:{symbol}"))
            yield from self._ticker(symbol)

    def _listed(self) -> Iterable[str]:
        return sorted(self.view.assets) if self.symbols == (EVERY_SYMBOL,) else self.symbols

    def _candles(self, symbol: str, missed_ms: int | None) -> Events:
        kept = self.view.candles.get(symbol)
        if kept is None:
            return
        now_ms = self.view.time_ms
        for interval in (kind.partition(":")[2] for kind in self.kinds if kind.startswith("candles:")):
            series = kept[interval]
            candles = (
                series.between(None, None, limit=1, now_ms=now_ms)
                if missed_ms is None
                else series.since_before(missed_ms, now_ms=now_ms)
            )
            for candle in candles:
                yield "candle", encode(candle_event(symbol, interval, candle))

    def _ticker(self, symbol: str) -> Events:
        if "tickers" in self.kinds:
            yield "ticker", encode(self.view.ticker(symbol))


class AccountOpening(Struct, frozen=True, kw_only=True):
    """Of an investor's own stream."""

    view: LiveView
    investor_id: str

    def channels(self) -> frozenset[str]:
        """Name the feed's channel."""
        return frozenset({self.investor_id})

    def fresh(self) -> Events:
        """Give the open orders, the newest where there are very many, and the account."""
        orders = self.view.orders.open(self.investor_id, limit=_OPEN_ORDERS_MAX)
        yield "orders_snapshot", encode(orders)
        yield "account_snapshot", encode(self.view.accounts.snapshot(self.investor_id))

    def caught_up(self, missed: Resumption) -> Events:  # noqa: ARG002 - every record is an event
        """Give nothing: this stream has no state but its records."""
        return ()


def parse_channels(text: str) -> tuple[str, ...]:
    """Read a list of channels, as in `trades,book,candles:1m,tickers`.

    Raises
    ------
    BadChannelError
        When one of them is not a channel.
    """
    kinds = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for kind in kinds:
        name, colon, interval = kind.partition(":")
        if not (kind in _KINDS or (name == "candles" and colon and interval in INTERVALS_MS)):
            raise BadChannelError(kind)
    return kinds


async def stream(feed: Feed, make: Callable[[], Opening], last_event_id: str | None) -> AsyncIterator[bytes]:
    """Give a listener's events until the feed ends it or the listener goes.

    No `await` comes between what it begins with and the subscription, so nothing falls between the two.
    """
    start = make()
    missed = None
    if last_event_id and not is_unfinished(last_event_id):
        missed = feed.since(last_event_id, start.channels())
    subscription = feed.subscribe(start.channels())
    last_id = str(feed.place)
    try:
        if missed is None:
            yield _RETRY + _opening(start, last_event_id, last_id)
        else:
            yield _RETRY + _resumption(start, missed, last_id)
        async for chunk in subscription.frames(last_id):
            yield chunk
    finally:
        feed.unsubscribe(subscription)


def _opening(start: Opening, last_event_id: str | None, last_id: str) -> bytes:
    events = list(start.fresh())
    if last_event_id and not is_unfinished(last_event_id):
        events.insert(0, ("reset", _RESET))
    frames = [frame(unfinished(last_id), body(*event)) for event in events]
    # An event of its own says that the opening is whole, and gives a quiet stream a place to come back to.
    return b"".join([*frames, frame(last_id, body("opened", b"{}"))])


def _resumption(start: Opening, missed: Resumption, last_id: str) -> bytes:
    # State goes first, under ids that ask for it again: who is cut off in between gets it twice, not never.
    states = () if missed.exact else start.caught_up(missed)
    events = [(missed.came_with, body(*event)) for event in states]
    events += [(str(entry.place), entry.body) for entry in missed.entries]
    if events:
        events[-1] = last_id, events[-1][1]
    return b"".join(frame(*event) for event in events)
