"""Sends events to many listeners: each is encoded once, queued for each, and kept for those who come back.

An event's id is a position in the log: for each topic that the feed tells of, the offset of the next record,
as in `t12.b5`, which means the same to every server of one market. State that follows from several records
(a candle, a ticker) is told once a batch, and batches differ from server to server: its ids add the server's
token and a count, as in `t12.b5.3fa8-2`, and another server takes from them the position alone.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

ENTRIES_MAX = 50_000
SUBSCRIBERS_MAX = 500
QUEUE_BYTES_MAX = 2 * 1024 * 1024
_UNFINISHED = ".s"
_STATE_DUE = ".r"

Position: TypeAlias = dict[str, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as it was sent. `source` is the letter of its topic, empty for state."""

    channel: str
    source: str
    offset: int
    time_ms: int
    position: Mapping[str, int]
    id: str
    body: bytes


class TooManySubscribersError(Exception):
    """The feed serves as many listeners as it may."""


class Subscription:
    """One listener's queue; more than `bytes_max` waiting in it, and the listener is dropped."""

    def __init__(self, channels: Collection[str], *, bytes_max: int) -> None:
        self.channels = frozenset(channels)
        self._bytes_max = bytes_max
        self._waiting: list[Entry] = []
        self._bytes = 0
        self._last_id = ""
        self._end: tuple[str, bytes] | None = None
        self._changed = asyncio.Event()

    def push(self, entry: Entry) -> None:
        """Queue an event."""
        if self._end is not None:
            return
        self._bytes += len(entry.body)
        if self._bytes > self._bytes_max:
            self._waiting.clear()
            message = b"Events came faster than they were read. Come back with the last event's id."
            self.end("dropped", b'{"reason":"slow_client","message":"%s"}' % message)
            return
        self._waiting.append(entry)
        self._changed.set()

    def end(self, event: str, data: bytes) -> None:
        """Close the stream after a last event; what waits is still sent before it."""
        if self._end is None:
            self._end = (event, data)
            self._changed.set()

    async def frames(self, last_id: str) -> AsyncIterator[bytes]:
        """Give what comes, as many events at once as are waiting, until the stream ends."""
        self._last_id = last_id
        while True:
            await self._changed.wait()
            self._changed.clear()
            waiting, self._waiting, self._bytes = self._waiting, [], 0
            if waiting:
                self._last_id = waiting[-1].id
                yield b"".join(frame(entry.id, entry.body) for entry in waiting)
            elif self._end is not None:
                yield frame(self._last_id, body(*self._end))
                return
            if self._end is not None:
                self._changed.set()


@dataclass(frozen=True, slots=True)
class Resumption:
    """What a listener who came back missed, after the id `came_with`.

    Where it is `exact`, all is among the entries, state too. Where not, state is to be told anew:
    `missed_ms` gives the time of the first record missed of each channel, listened to or not.
    """

    entries: list[Entry]
    exact: bool
    came_with: str
    missed_ms: Mapping[str, int]


class Feed:
    """The events of some topics, named by letters, and who listens to them.

    Not for threads: everything happens in the event loop, so that a snapshot taken and a subscription made
    without an `await` between them fit together.
    """

    def __init__(
        self,
        letters: str,
        *,
        entries_max: int = ENTRIES_MAX,
        subscribers_max: int = SUBSCRIBERS_MAX,
        queue_bytes_max: int = QUEUE_BYTES_MAX,
    ) -> None:
        self._letters = letters
        self._entries_max = entries_max
        self._subscribers_max = subscribers_max
        self._queue_bytes_max = queue_bytes_max
        self._entries: deque[Entry] = deque()
        self._position: Position = dict.fromkeys(letters, 0)
        self._reach: Position = dict.fromkeys(letters, 0)
        self._states = 0
        self._token = secrets.token_hex(2)
        self._sent = 0
        self._wanted_since: dict[str, int] = {}
        self._listeners: dict[str, set[Subscription]] = {}
        self._subscriptions: set[Subscription] = set()
        numbers = r"\.".join(rf"{letter}(\d{{1,18}})" for letter in letters)
        self._pattern = re.compile(numbers + r"(?:\.[0-9a-z-]{1,24})?", re.ASCII)

    @property
    def id(self) -> str:
        """The id of all that was sent so far."""
        position = _position_id(self._position)
        return f"{position}.{self._token}-{self._states}" if self._states else position

    def is_wanted(self, channel: str) -> bool:
        """Tell whether someone listens to a channel, or once did and may come back to it."""
        return channel in self._wanted_since or any_of(channel) in self._wanted_since

    def start(self, position: Position) -> None:
        """Begin anew at a position; everyone who listens is sent away to come back."""
        self.end_all(
            "reset", b'{"reason":"log_changed","message":"The market was read anew; take a fresh view."}'
        )
        self._entries.clear()
        self._position, self._reach, self._states = dict(position), dict(position), 0

    def add(
        self, channel: str, event: str, data: bytes, *, source: str, offset: int, time_ms: int = 0
    ) -> None:
        """Send an event that is the record at `offset` of the topic `source`."""
        self.advance({source: offset + 1})
        self._send(Entry(channel, source, offset, time_ms, dict(self._position), self.id, body(event, data)))

    def add_state(self, channel: str, event: str, data: bytes) -> None:
        """Send an event that gives the newest state after all records sent so far."""
        self._states += 1
        self._send(Entry(channel, "", 0, 0, dict(self._position), self.id, body(event, data)))

    def advance(self, position: Mapping[str, int]) -> None:
        """Say that all records before a position were told of, or need not be."""
        if any(self._position[letter] < offset for letter, offset in position.items()):
            self._position |= {
                letter: max(offset, self._position[letter]) for letter, offset in position.items()
            }
            self._states = 0

    def subscribe(self, channels: Collection[str]) -> Subscription:
        """Add a listener to what comes from now on.

        Raises
        ------
        TooManySubscribersError
            When there are `subscribers_max` already.
        """
        if self.full:
            raise TooManySubscribersError
        subscription = Subscription(channels, bytes_max=self._queue_bytes_max)
        if not self._wanted_since.keys() >= set(channels):
            # Of what is wanted only now, the state at this position was told to nobody: a new id.
            self._states += 1
        self._subscriptions.add(subscription)
        for channel in channels:
            self._listeners.setdefault(channel, set()).add(subscription)
            self._wanted_since.setdefault(channel, self._sent)
        return subscription

    @property
    def full(self) -> bool:
        """Whether no more listeners are taken."""
        return len(self._subscriptions) >= self._subscribers_max

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a listener."""
        self._subscriptions.discard(subscription)
        for channel in subscription.channels:
            self._listeners[channel].discard(subscription)

    def end_all(self, event: str, data: bytes) -> None:
        """Close every listener's stream after a last event."""
        for subscription in self._subscriptions:
            subscription.end(event, data)

    def since(self, last_id: str, channels: Collection[str]) -> Resumption | None:
        """Give what a listener missed since an event; None when it is too old or not of this log."""
        exact = self._exactly_since(last_id, channels)
        if exact is not None:
            return Resumption(exact, exact=True, came_with=last_id, missed_ms={})
        came_with = self._parsed(last_id)
        if came_with is None or not all(
            self._reach[letter] <= offset <= self._position[letter] for letter, offset in came_with.items()
        ):
            return None
        return self._missed(came_with, channels)

    def _exactly_since(self, last_id: str, channels: Collection[str]) -> list[Entry] | None:
        # State is only sent where someone wants it, so before that the entries do not tell all.
        wanted_since = max(self._wanted_since.get(channel, self._sent + 1) for channel in channels)
        after: list[Entry] = []
        if last_id == self.id:
            return after if wanted_since <= self._sent else None
        told = max(self._sent - wanted_since, 0)
        for entry in islice(reversed(self._entries), told):
            if entry.id == last_id:
                return after[::-1]
            if _carries(entry, channels):
                after.append(entry)
        return None

    def _missed(self, came_with: Position, channels: Collection[str]) -> Resumption:
        entries: list[Entry] = []
        missed_ms: dict[str, int] = {}
        for entry in self._entries:
            if not entry.source or entry.offset < came_with[entry.source]:
                continue
            missed_ms.setdefault(entry.channel, entry.time_ms)
            if _carries(entry, channels):
                # Another server may have sent the topics' records in another order: no id may go back.
                position = {
                    letter: max(offset, came_with[letter]) for letter, offset in entry.position.items()
                }
                entries.append(replace(entry, position=position, id=_position_id(position)))
        return Resumption(entries, exact=False, came_with=_position_id(came_with), missed_ms=missed_ms)

    def _parsed(self, last_id: str) -> Position | None:
        found = self._pattern.fullmatch(last_id)
        if found is None:
            return None
        return {letter: int(found.group(place)) for place, letter in enumerate(self._letters, start=1)}

    def _send(self, entry: Entry) -> None:
        self._sent += 1
        self._entries.append(entry)
        if len(self._entries) > self._entries_max:
            lost = self._entries.popleft()
            if lost.source:
                self._reach[lost.source] = lost.offset + 1
        for channel in (entry.channel, any_of(entry.channel)):
            for subscription in self._listeners.get(channel, ()):
                subscription.push(entry)


def any_of(channel: str) -> str:
    """Name the channel that carries what this one does, of every symbol: `trades:*` for `trades:PETR4`."""
    return channel.rpartition(":")[0] + ":*"


def _carries(entry: Entry, channels: Collection[str]) -> bool:
    return entry.channel in channels or any_of(entry.channel) in channels


def body(event: str, data: bytes) -> bytes:
    """Write an event without its id."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)


def frame(event_id: str, event_body: bytes) -> bytes:
    """Write an event."""
    return b"id: %s\n%s" % (event_id.encode(), event_body)


def opening(events: Iterable[tuple[str, bytes]], last_id: str) -> bytes:
    """Write the events that a stream opens with; only the last one's id says that all were received."""
    bodies = [body(event, data) for event, data in events]
    ids = [last_id + _UNFINISHED] * (len(bodies) - 1) + [last_id]
    return b"".join(map(frame, ids, bodies))


def is_unfinished(last_id: str) -> bool:
    """Tell whether a listener was cut off before it had all that its stream opens with."""
    return last_id.endswith(_UNFINISHED)


def resumption(states: Iterable[tuple[str, bytes]], missed: Resumption, last_id: str) -> tuple[bytes, str]:
    """Write what a listener who came back missed; gives the bytes and the id that it then has.

    State goes first, under ids that ask for all of it again: who is cut off in between gets it twice rather
    than never. `last_id` is of all that the feed sent.
    """
    bodies = [body(event, data) for event, data in states]
    ids = [missed.came_with + _STATE_DUE] * len(bodies)
    if bodies and not missed.entries:
        ids[-1] = last_id
    frames = [*map(frame, ids, bodies), *(frame(entry.id, entry.body) for entry in missed.entries)]
    ids += [entry.id for entry in missed.entries]
    return b"".join(frames), ids[-1] if ids else missed.came_with


def _position_id(position: Mapping[str, int]) -> str:
    return ".".join(f"{letter}{offset}" for letter, offset in position.items())
