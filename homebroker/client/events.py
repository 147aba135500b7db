"""Server-sent events from bytes, as the WHATWG's HTML standard reads them (9.2.6)."""

from __future__ import annotations

import re

from msgspec import Struct

from homebroker.client.errors import UnreadableEventError

EVENT_BYTES_MAX = 64 * 1024 * 1024
_LINE_END = re.compile(rb"\r\n|\n|\r")


class RawEvent(Struct, frozen=True):
    """An event as it came."""

    id: str
    name: str
    data: bytes


class EventReader:
    """Reads events from chunks of bytes, wherever they are cut. An event without its end is never given."""

    def __init__(self) -> None:
        self._rest = b""
        self._id = ""
        self._name = ""
        self._data: list[bytes] = []

    def read(self, chunk: bytes) -> list[RawEvent]:
        """Give the events that are whole now.

        Raises
        ------
        UnreadableEventError
            When one has more than 64 MiB, or is not UTF-8.
        """
        text = self._rest + chunk
        # The second half of a line's end may be in the next chunk.
        held = 1 if text.endswith(b"\r") else 0
        *lines, self._rest = _LINE_END.split(text[: len(text) - held])
        self._rest += text[len(text) - held :]
        if len(self._rest) + sum(map(len, self._data)) > EVENT_BYTES_MAX:
            raise UnreadableEventError("unreadable_event", "An event is longer than any of Homebroker's.")
        try:
            events = [self._line(line) for line in lines]
        except UnicodeDecodeError as error:
            raise UnreadableEventError("unreadable_event", "An event is not UTF-8.") from error
        return [event for event in events if event is not None]

    def _line(self, line: bytes) -> RawEvent | None:
        if not line:
            return self._dispatched()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._name = value.decode()
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode()
        return None

    def _dispatched(self) -> RawEvent | None:
        name, data = self._name, self._data
        self._name, self._data = "", []
        return RawEvent(self._id, name or "message", b"\n".join(data)) if data else None
