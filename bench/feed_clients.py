"""The clients of `bench feed`: as little work for each event as can be, so that the server is measured."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

Seconds: TypeAlias = npt.NDArray[np.float64]

_CONNECT_AT_ONCE: Final = 50
_READING: Final = re.compile(rb"\r\n\r\n")


class Listeners:
    """Listeners to one stream, and how late each was told of each event.

    Parameters
    ----------
    number_of : regular expression
        Finds an event's number.
    sent_s : callable
        Gives the moment, by `time.monotonic`, that the event with a number counts from.
    """

    def __init__(self, number_of: re.Pattern[bytes], sent_s: Callable[[int], float]) -> None:
        self.events = 0
        self.counting = False
        self._number_of = number_of
        self._sent_s = sent_s
        self._delays: list[tuple[float, list[float]]] = []
        self._known: dict[bytes, list[float]] = {}
        self._transports: list[asyncio.Transport] = []

    async def connect(self, port: int, path: str, count: int) -> None:
        """Open connections, some at once."""
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        for first in range(0, count, _CONNECT_AT_ONCE):
            await asyncio.gather(
                *(self._connect(port, request) for _ in range(min(_CONNECT_AT_ONCE, count - first)))
            )

    def close(self) -> None:
        """Leave."""
        for transport in self._transports:
            transport.abort()

    def delays_s(self) -> Seconds:
        """Give the delay of each event at each listener, shape (events × listeners,)."""
        return np.array([got_s - sent_s for got_s, sents_s in self._delays for sent_s in sents_s])

    def take(self, events: bytes) -> None:
        """Take whole events."""
        if not self.counting:
            return
        now_s = time.monotonic()
        sents_s = self._known.get(events)
        if sents_s is None:
            # All are sent the same bytes: one is read for all.
            if len(self._known) > 1_000:
                self._known.clear()
            numbers = self._number_of.findall(events)
            sents_s = self._known[events] = [self._sent_s(int(number)) for number in numbers]
        self.events += len(sents_s)
        self._delays.append((now_s, sents_s))

    async def _connect(self, port: int, request: bytes) -> None:
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: _Listener(self, request, opened), "127.0.0.1", port
        )
        self._transports.append(transport)
        await opened


class _Listener(asyncio.Protocol):
    def __init__(self, listeners: Listeners, request: bytes, opened: asyncio.Future[None]) -> None:
        self._listeners = listeners
        self._request = request
        self._opened = opened
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self._opened.done():
            assert data.startswith(b"HTTP/1.1 200"), data[:300]
            self._opened.set_result(None)
        text = self._rest + data if self._rest else data
        end = text.rfind(b"\n\n") + 2
        if end > 1:
            self._listeners.take(text[:end])
        self._rest = text[end:].removeprefix(b"\r\n") if end > 1 else text


class Askers:
    """Connections that ask the same again as soon as they are answered."""

    def __init__(self, path: str) -> None:
        self.answers = 0
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()

    async def run(self, port: int, *, connections: int, seconds: float) -> float:
        """Ask for so long; gives answers a second."""
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: _Asker(self, self._request), "127.0.0.1", port)
            for _ in range(connections)
        ]
        await asyncio.sleep(0.5)
        before, begin_s = self.answers, time.perf_counter()
        await asyncio.sleep(seconds)
        rate = (self.answers - before) / (time.perf_counter() - begin_s)
        for transport, _ in made:
            transport.abort()
        return rate


class _Asker(asyncio.Protocol):
    def __init__(self, askers: Askers, request: bytes) -> None:
        self._askers = askers
        self._request = request
        self._transport: Any = None
        self._length = 0
        self._got = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._length:
            head = _READING.search(self._got)
            if head is None:
                return
            assert self._got.startswith(b"HTTP/1.1 200"), self._got[:300]
            length = re.search(rb"content-length: (\d+)", self._got[: head.end()])
            assert length is not None
            self._length = head.end() + int(length[1])
        # The length of the head may differ by a digit from answer to answer; the end of the JSON does not.
        if len(self._got) >= self._length:
            self._askers.answers += 1
            self._got, self._length = b"", 0
            self._transport.write(self._request)


def quantiles_ms(delays_s: Sequence[float] | Seconds) -> tuple[float, float]:
    """Give the median and the 99th percentile, in milliseconds."""
    p50, p99 = np.quantile(np.asarray(delays_s), [0.5, 0.99])
    return 1_000 * float(p50), 1_000 * float(p99)
