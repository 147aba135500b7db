"""The feed: what was sent, who listens, and what someone who comes back missed."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from itertools import islice

from msgspec import Struct, structs

from api.feed.audience import Audiences
from api.feed.places import Place, PlaceReader, Position
from api.feed.rounds import Rounds
from api.feed.subscription import Entry, Subscription, body

ENTRIES_MAX = 50_000
PRIVATE_ENTRIES_MAX = 50_000
SUBSCRIBERS_MAX = 2_000
PRIVATE_SUBSCRIBERS_OF_CHANNEL_MAX = 20
QUEUE_BYTES_MAX = 2 * 1024 * 1024
_CHANGED = b'{"reason":"log_changed","message":"The market was read anew; come back for a fresh view."}'


class TooManySubscribersError(Exception):
    """The feed serves as many listeners as it may."""


class Resumption(Struct, frozen=True, kw_only=True):
    """What a listener who came back missed.

    Where it is `exact`, all is among the entries, state too. Where not, state is to be told anew before
    them, under the id `came_with`: `untold_ms` gives, by channel, the time of the first record whose state
    the listener may not have been told.
    """

    entries: list[Entry]
    exact: bool
    came_with: str
    untold_ms: Mapping[str, int]


class Feed:
    """The events of some topics, named by letters, and who listens to them.

    A listener gets what is of its own channels. Where `every_symbol`, it may also name a channel of every
    symbol, `trades:*`; where not, names are only names: a private channel's may be anything at all.

    `before_joining` is called with the channels of whoever is about to listen, to send what was held back.

    Not for threads: everything happens in the event loop, so that a snapshot taken and a subscription made
    without an `await` between them fit together.
    """

    def __init__(
        self,
        letters: str,
        *,
        entries_max: int = ENTRIES_MAX,
        subscribers_max: int = SUBSCRIBERS_MAX,
        subscribers_of_channel_max: int | None = None,
        queue_bytes_max: int = QUEUE_BYTES_MAX,
        every_symbol: bool = True,
    ) -> None:
        self._first = letters[0]
        self._entries_max = entries_max
        self._subscribers_max = subscribers_max
        self._subscribers_of_channel_max = subscribers_of_channel_max
        self._queue_bytes_max = queue_bytes_max
        self._names_carrying = _own_and_every_symbol if every_symbol else _own_only
        self._places = PlaceReader(letters)
        self._position = dict.fromkeys(letters, 0)
        self._reach = dict.fromkeys(letters, 0)
        self._told = 0
        self._token = secrets.token_hex(2)
        self._sent = 0
        self._entries: deque[Entry] = deque()
        self._wanted_since: dict[str, int] = {}
        self._left_at: dict[str, int] = {}
        self._audiences = Audiences()
        self._rounds = Rounds(self._audiences.send)
        self._moved: asyncio.Event | None = None
        self.before_joining: Callable[[Collection[str]], None] = lambda _channels: None

    @property
    def place(self) -> Place:
        """The place behind all that was sent so far."""
        return Place(position=dict(self._position), told=self._told, token=self._token, number=self._sent)

    @property
    def full(self) -> bool:
        """Whether no more listeners are taken."""
        return self._audiences.listeners >= self._subscribers_max

    @property
    def listeners(self) -> int:
        """How many listen."""
        return self._audiences.listeners

    def is_wanted(self, channel: str) -> bool:
        """Tell whether someone listens to a channel, or did not long ago and may come back to it."""
        return any(self._is_wanted(name) for name in self._names_carrying(channel))

    def is_crowded(self, channel: str) -> bool:
        """Tell whether a channel has as many listeners as one may have."""
        most = self._subscribers_of_channel_max
        return most is not None and self._audiences.listeners_of(channel) >= most

    def start(self, position: Position) -> None:
        """Begin anew at a position; everyone who listens is sent away to come back."""
        self.end_all("reset", _CHANGED)
        self._entries.clear()
        self._position, self._reach = dict(position), dict(position)
        self._token = secrets.token_hex(2)
        self.settle(position)

    async def reached(self, last_id: str, *, timeout_s: float) -> None:
        """Wait, a while at most, until all was sent that came before a place of another server's.

        Servers read the log at their own pace: one that is a moment behind would otherwise take a place in
        the future for one of another log.
        """
        place = self._places.read(last_id)
        if place is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while any(offset > self._position[letter] for letter, offset in place.position.items()):
                    self._moved = self._moved or asyncio.Event()
                    await self._moved.wait()

    def add(
        self, channel: str, event: str, data: bytes, *, source: str, offset: int, time_ms: int = 0
    ) -> None:
        """Send an event that is the record at `offset` of the topic `source`."""
        self._position[source] = max(self._position[source], offset + 1)
        self._send(channel, body(event, data), source=source, offset=offset, time_ms=time_ms)

    def add_state(self, channel: str, event: str, data: bytes) -> None:
        """Send an event that gives the newest state after all records sent so far."""
        self._send(channel, body(event, data), source="", offset=0, time_ms=0)

    def settle(self, position: Position, *, told: int | None = None) -> None:
        """Say that all records before a position were sent, or need not be, and have what is queued sent.

        So is all their state, unless only that of records of the first topic before `told`.
        """
        for letter, offset in position.items():
            self._position[letter] = max(self._position[letter], offset)
        here = self._position[self._first]
        self._told = here if told is None else min(told, here)
        self._send_soon()
        if self._moved is not None:
            self._moved.set()
            self._moved = None

    def subscribe(self, channels: Collection[str]) -> Subscription:
        """Add a listener to what comes from now on.

        Raises
        ------
        TooManySubscribersError
            When there are `subscribers_max` already, or as many as one of the channels may have.
        """
        if self.full or any(map(self.is_crowded, channels)):
            raise TooManySubscribersError
        subscription = Subscription(channels, bytes_max=self._queue_bytes_max)
        self._audiences.join(subscription)
        # What was held back until now, and told because of whoever joins.
        self._send_soon()
        for channel in channels:
            if not self._is_wanted(channel):
                self._wanted_since[channel] = self._sent
            self._left_at.pop(channel, None)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a listener."""
        for channel in self._audiences.leave(subscription):
            self._left_at[channel] = self._sent

    def end_all(self, event: str, data: bytes) -> None:
        """Close every listener's stream after what waits and a last event."""
        self._rounds.begin()
        self._audiences.end(event, data)

    def since(self, last_id: str, channels: Collection[str]) -> Resumption | None:
        """Give what a listener missed since an event; None when it is too old or not of this log."""
        place = self._places.read(last_id)
        if place is None:
            return None
        # State is only sent where someone wants it, so before that the entries do not tell all.
        wanted_since = max(self._wanted_since.get(channel, self._sent + 1) for channel in channels)
        gone = self._sent - len(self._entries)
        if place.token == self._token and max(gone, wanted_since) <= place.number <= self._sent:
            after = islice(self._entries, place.number - gone, None)
            entries = [entry for entry in after if self._carries(entry, channels)]
            return Resumption(entries=entries, exact=True, came_with=last_id, untold_ms={})
        if place.told < self._reach[self._first] or not all(
            self._reach[letter] <= offset <= self._position[letter]
            for letter, offset in place.position.items()
        ):
            return None
        return self._missed(place, channels)

    def _send_soon(self) -> None:
        if self._audiences.wait:
            self._rounds.ask()

    def _missed(self, came: Place, channels: Collection[str]) -> Resumption:
        entries: list[Entry] = []
        untold_ms: dict[str, int] = {}
        for entry in self._entries:
            if entry.source == self._first and entry.offset >= came.told:
                untold_ms.setdefault(entry.channel, entry.time_ms)
            if (
                entry.source
                and entry.offset >= came.position[entry.source]
                and self._carries(entry, channels)
            ):
                entries.append(self._seen_from(entry, came))
        came_with = Place(position=came.position, told=came.told)
        return Resumption(entries=entries, exact=False, came_with=str(came_with), untold_ms=untold_ms)

    def _seen_from(self, entry: Entry, came: Place) -> Entry:
        # Another server may have sent the topics' records in another order: no id may go back.
        sent = self._places.read(entry.event_id)
        assert sent is not None
        position = {letter: max(offset, came.position[letter]) for letter, offset in sent.position.items()}
        return structs.replace(entry, event_id=str(Place(position=position, told=position[self._first])))

    def _carries(self, entry: Entry, channels: Collection[str]) -> bool:
        return any(name in channels for name in self._names_carrying(entry.channel))

    def _send(self, channel: str, event_body: bytes, *, source: str, offset: int, time_ms: int) -> None:
        self._sent += 1
        entry = Entry(
            channel=channel,
            source=source,
            offset=offset,
            time_ms=time_ms,
            event_id=str(self.place),
            body=event_body,
        )
        self._entries.append(entry)
        if len(self._entries) > self._entries_max:
            lost = self._entries.popleft()
            if lost.source:
                self._reach[lost.source] = lost.offset + 1
        audiences = self._audiences.of(self._names_carrying(channel))
        if audiences:
            self._audiences.queue(audiences, entry.event_id, entry.frame())

    def _is_wanted(self, channel: str) -> bool:
        left_at = self._left_at.get(channel)
        if left_at is not None and self._sent - left_at > self._entries_max:
            # Whoever left it cannot come back to what is kept, so nothing need be sent for them.
            del self._left_at[channel], self._wanted_since[channel]
        return channel in self._wanted_since


def private_feed(letters: str) -> Feed:
    """Make a feed whose channels are investors, each its own and nobody else's."""
    return Feed(
        letters,
        entries_max=PRIVATE_ENTRIES_MAX,
        subscribers_of_channel_max=PRIVATE_SUBSCRIBERS_OF_CHANNEL_MAX,
        every_symbol=False,
    )


def _own_only(channel: str) -> tuple[str, ...]:
    return (channel,)


def _own_and_every_symbol(channel: str) -> tuple[str, ...]:
    return channel, channel.rpartition(":")[0] + ":*"
