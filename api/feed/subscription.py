"""One listener of a feed, and how events look to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection

from msgspec import Struct

from api.feed.places import Place

_SLOW = (
    b'{"reason":"slow_client","message":"Events came faster than they were read; come back for the rest."}'
)


class Entry(Struct, frozen=True, kw_only=True):
    """One event as it was sent. `source` is the letter of its topic, empty for state."""

    channel: str
    source: str
    offset: int
    time_ms: int
    place: Place
    body: bytes

    def frame(self) -> bytes:
        """Write the event."""
        return frame(str(self.place), self.body)


class Subscription:
    """One listener's queue; more than `bytes_max` waiting in it, and the listener is dropped."""

    def __init__(self, channels: Collection[str], *, bytes_max: int) -> None:
        self.channels = frozenset(channels)
        self._bytes_max = bytes_max
        self._waiting: list[tuple[str, bytes]] = []
        self._bytes = 0
        self._end: tuple[str, bytes] | None = None
        self._changed = asyncio.Event()

    def push(self, event_id: str, event_frame: bytes) -> None:
        """Queue an event."""
        if self._end is not None:
            return
        self._bytes += len(event_frame)
        if self._bytes > self._bytes_max:
            self._waiting.clear()
            self.end("dropped", _SLOW)
            return
        self._waiting.append((event_id, event_frame))
        self._changed.set()

    def end(self, event: str, data: bytes) -> None:
        """Close the stream after a last event; what waits is still sent before it."""
        if self._end is None:
            self._end = (event, data)
            self._changed.set()

    async def frames(self, last_id: str) -> AsyncIterator[bytes]:
        """Give what comes, as many events at once as are waiting, until the stream ends.

        The last event carries the id of the one before, so that coming back with it brings what followed.
        """
        while True:
            await self._changed.wait()
            self._changed.clear()
            waiting, self._waiting, self._bytes = self._waiting, [], 0
            if waiting:
                last_id = waiting[-1][0]
                yield b"".join(event_frame for _, event_frame in waiting)
            if self._end is not None:
                yield frame(last_id, body(*self._end))
                return


def body(event: str, data: bytes) -> bytes:
    """Write an event without its id."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)


def frame(event_id: str, event_body: bytes) -> bytes:
    """Write an event."""
    return b"id: %s\n%s" % (event_id.encode(), event_body)
