"""What a stream begins with: for a newcomer the market as it is, for one who came back what was missed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Protocol, TypeAlias

from msgspec import Struct

from api.feed import Feed, Resumption
from api.feed.places import is_unfinished, unfinished
from api.feed.subscription import body, frame
from api.live.candles import INTERVALS_MS
from api.live.paced import PACES_MS
from api.live.public_events import candle_event
from api.live.view import LiveView
from api.payloads import encode

Events: TypeAlias = Iterable[tuple[str, bytes]]

_KINDS = ("trades", "book", "tickers")
_RETRY = b"retry: 1000\n\n"
_RESET = b'{"reason":"too_old","message":"The events since then are no longer kept; a fresh view follows."}'
EVERY_SYMBOL = "*"
_OPEN_ORDERS_MAX = 5_000
BEHIND_MAX_S = 3.0
"""How long a listener waits for this server to reach what another one told it."""


_CHANNELS = (
    "use trades, book, tickers, candles:1m, and for all but trades a pace if you like, "
    "as in book:250ms, tickers:1s, candles:1m:500ms."
)


class BadChannelError(ValueError):
    """A channel that the stream does not have; the text tells a person what to do."""


class Opening(Protocol):
    """What a stream is of, and what it begins with."""

    def channels(self) -> frozenset[str]:
        """Name the feed's channels."""
        ...

    def fresh(self) -> Events:
        """Give the events that a newcomer begins with."""
        ...

    def can_catch_up(self, missed: Resumption) -> bool:
        """Tell whether all state that a listener may have missed is still kept."""
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
            if any(kind.partition(":")[0] == "book" for kind in self.kinds):
                yield from self._book(symbol)
            yield from self._candles(symbol, None)
            yield from self._ticker(symbol)

    def can_catch_up(self, missed: Resumption) -> bool:
        """Tell whether the candles go back as far as the listener's do."""
        return missed.exact or all(
            self.view.candles[symbol][interval].has_before(missed_ms)
            for symbol in self._listed()
            if (missed_ms := missed.untold_ms.get(f"trades:{symbol}")) is not None
            for interval in self._intervals()
        )

    def caught_up(self, missed: Resumption) -> Events:
        """Give the tickers, and the candles that may have changed since the listener was told of them.

        A paced book is given whole: servers take its changes together differently. The last trade that the
        listener knows the candle of is in that of the first one after, or in the one before.
        """
        for symbol in self._listed():
            if any(kind.startswith("book:") for kind in self.kinds):
                yield from self._book(symbol)
            yield from self._candles(symbol, missed.untold_ms.get(f"trades:{symbol}"))
            yield from self._ticker(symbol)

    def _intervals(self) -> list[str]:
        return [kind.split(":")[1] for kind in self.kinds if kind.startswith("candles:")]

    def _listed(self) -> Iterable[str]:
        return sorted(self.view.assets) if self.symbols == (EVERY_SYMBOL,) else self.symbols

    def _book(self, symbol: str) -> Events:
        if self.view.books[symbol].known:
            yield "book_snapshot", encode(self.view.books[symbol].levels())

    def _candles(self, symbol: str, missed_ms: int | None) -> Events:
        kept = self.view.candles.get(symbol)
        if kept is None:
            return
        now_ms = self.view.time_ms
        for interval in self._intervals():
            series = kept[interval]
            candles = (
                series.between(None, None, limit=1, now_ms=now_ms)
                if missed_ms is None
                else series.since_before(missed_ms, now_ms=now_ms)
            )
            for candle in candles:
                yield "candle", encode(candle_event(symbol, interval, candle))

    def _ticker(self, symbol: str) -> Events:
        if any(kind.partition(":")[0] == "tickers" for kind in self.kinds):
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

    def can_catch_up(self, missed: Resumption) -> bool:  # noqa: ARG002 - every record is an event
        """Tell that it is: this stream has no state but its records."""
        return True

    def caught_up(self, missed: Resumption) -> Events:  # noqa: ARG002 - every record is an event
        """Give nothing: this stream has no state but its records."""
        return ()


def parse_channels(text: str) -> tuple[str, ...]:
    """Read a list of channels, as in `trades,book:250ms,candles:1m,tickers`.

    Raises
    ------
    BadChannelError
        When there is none, one of them is not a channel, or the same is named at two paces.
    """
    kinds = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unpaced: set[str] = set()
    for kind in kinds:
        base = _without_pace(kind)
        if base in unpaced:
            raise BadChannelError(f"{_shown(base)} is named twice, at two paces: name it once.")
        unpaced.add(base)
        name, _, interval = base.partition(":")
        if not (base in _KINDS or (name == "candles" and interval in INTERVALS_MS)):
            raise BadChannelError(f"There is no channel {_shown(kind)}: {_CHANNELS}")
    if not kinds:
        raise BadChannelError(f"Name a channel: {_CHANNELS}")
    return kinds


def _without_pace(kind: str) -> str:
    base, _, pace = kind.rpartition(":")
    # Every trade is told: trades taken together would be candles.
    has_pace = pace in PACES_MS and (base in {"book", "tickers"} or base.startswith("candles:"))
    return base if has_pace else kind


def _shown(kind: str) -> str:
    return kind[:32]


async def stream(feed: Feed, make: Callable[[], Opening], last_event_id: str | None) -> AsyncGenerator[bytes]:
    """Give a listener's events until the feed ends it or the listener goes.

    No `await` comes between what it begins with and the subscription, so nothing falls between the two.

    Raises
    ------
    TooManySubscribersError
        Before the first events, when the feed takes no more.
    """
    # Who was cut off in the opening gets it whole again.
    place = None if last_event_id is None or is_unfinished(last_event_id) else last_event_id
    if place:
        await feed.reached(place, timeout_s=BEHIND_MAX_S)
    start = make()
    feed.before_joining(start.channels())
    missed = feed.since(place, start.channels()) if place else None
    if missed is not None and not start.can_catch_up(missed):
        missed = None
    subscription = feed.subscribe(start.channels())
    last_id = str(feed.place)
    try:
        if missed is None:
            yield _RETRY + _opening(start, last_id, was_reset=bool(place))
        else:
            yield _RETRY + _resumption(start, missed, last_id)
        async for chunk in subscription.frames(last_id):
            yield chunk
    finally:
        feed.unsubscribe(subscription)


def _opening(start: Opening, last_id: str, *, was_reset: bool) -> bytes:
    events = list(start.fresh())
    if was_reset:
        events.insert(0, ("reset", _RESET))
    frames = [frame(unfinished(last_id), body(*event)) for event in events]
    # An event of its own says that the opening is whole, and gives a quiet stream a place to come back to.
    return b"".join([*frames, frame(last_id, body("opened", b"{}"))])


def _resumption(start: Opening, missed: Resumption, last_id: str) -> bytes:
    # State goes first, under ids that ask for it again: who is cut off in between gets it twice, not never.
    states = () if missed.exact else start.caught_up(missed)
    events = [(missed.came_with, body(*event)) for event in states]
    events += [(entry.event_id, entry.body) for entry in missed.entries]
    if events:
        events[-1] = last_id, events[-1][1]
    return b"".join(frame(*event) for event in events)
