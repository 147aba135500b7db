"""One listener of a feed, and how events look to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection

from msgspec import Struct
from sse_starlette import ServerSentEvent

BEAT_EVERY_S = 15.0
"""How often a stream says that it lives: by a comment, and by an event for whom comments are hidden."""
_LINE_END = "\n"
_COMMENT = ServerSentEvent(comment="the stream lives", sep=_LINE_END).encode()
_SLOW = (
    b'{"reason":"slow_client","message":"Events came faster than they were read; come back for the rest."}'
)


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """One event as it was sent, of which a feed keeps very many: `event_id` is the text of its place.

    `source` is the letter of its topic, empty for state.
    """

    channel: str
    source: str
    offset: int
    time_ms: int
    event_id: str
    body: bytes

    def frame(self) -> bytes:
        """Write the event."""
        return frame(self.event_id, self.body)


class Subscription:
    """One listener's queue of chunks, each some events in a row, the same bytes for all who listen alike.

    When a chunk comes, others wait, and together they have more than `bytes_max`, the listener is dropped.
    A chunk alone is never too large: a burst is not the listener's fault.
    """

    def __init__(self, channels: Collection[str], *, bytes_max: int) -> None:
        self.channels = frozenset(channels)
        self._bytes_max = bytes_max
        self._chunks: list[bytes] = []
        self._bytes = 0
        self._last_id: str | None = None
        self._sent_id = ""
        self._end: tuple[str, bytes] | None = None
        self._woken: asyncio.Future[None] | None = None
        self._beating: asyncio.TimerHandle | None = None

    def push(self, last_id: str, chunk: bytes) -> None:
        """Queue events, of which the last one has an id."""
        if self._end is not None:
            return
        if self._bytes and self._bytes + len(chunk) > self._bytes_max:
            self._chunks.clear()
            self._last_id = None
            self.end("dropped", _SLOW)
            return
        self._bytes += len(chunk)
        self._last_id = last_id
        self._chunks.append(chunk)
        self._wake()

    def end(self, event: str, data: bytes) -> None:
        """Close the stream after a last event; what waits is still sent before it."""
        if self._end is None:
            self._end = (event, data)
            self._wake()

    async def frames(self, last_id: str) -> AsyncIterator[bytes]:
        """Give what comes, as many events at once as are waiting, until the stream ends.

        Heartbeats and the last event carry the id of the one before, so that coming back with it brings what
        followed.
        """
        # One timer a stream, whatever comes: one for each wait would cost more than the sending.
        self._sent_id = last_id
        self._beat_later()
        try:
            while True:
                if not self._chunks and self._end is None:
                    self._woken = asyncio.get_running_loop().create_future()
                    await self._woken
                chunks, self._chunks, self._bytes = self._chunks, [], 0
                self._sent_id, self._last_id = self._last_id or self._sent_id, None
                if chunks:
                    yield chunks[0] if len(chunks) == 1 else b"".join(chunks)
                if self._end is not None and not self._chunks:
                    yield frame(self._sent_id, body(*self._end))
                    return
        finally:
            if self._beating is not None:
                self._beating.cancel()

    def _beat_later(self) -> None:
        self._beating = asyncio.get_running_loop().call_later(BEAT_EVERY_S, self._beat)

    def _beat(self) -> None:
        told = body("heartbeat", b'{"every_ms":%d}' % round(BEAT_EVERY_S * 1000))
        self._chunks.append(_COMMENT + frame(self._last_id or self._sent_id, told))
        self._wake()
        self._beat_later()

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)


def body(event: str, data: bytes) -> bytes:
    """Write an event without its id."""
    if b"\n" in data or b"\r" in data:
        return ServerSentEvent(data.decode(), event=event, sep=_LINE_END).encode()
    # What the library would write, at a twentieth of the cost: all that we send is JSON in one line.
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)


def frame(event_id: str, event_body: bytes) -> bytes:
    """Write an event."""
    return b"id: %s\n%s" % (event_id.encode(), event_body)
