"""A network that breaks: proxies that cut connections at random bytes and moments, or lose them silently."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.market import free_ports

_CHUNK_BYTES = 4_096
_STREAM = b"text/event-stream"
_BEAT = b"event: heartbeat"


class _Proxy:
    """Takes each connection to one of some servers."""

    def __init__(self, ports: Sequence[int], *, seed: int) -> None:
        self._ports = ports
        self._dice = random.Random(seed)
        self._connections: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve for as long as the context lasts; gives the URL."""
        port = free_ports(1)
        server = await asyncio.start_server(self._begin, "127.0.0.1", port)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of the server's own would complain of being cancelled.
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._dice.choice(self._ports))
        except OSError:
            writer.transport.abort()
            return
        asking = asyncio.create_task(_pass_on(reader, up_writer))
        try:
            await self._answer(up_reader, writer)
        except OSError:
            pass
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            up_writer.transport.abort()
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


class CuttingProxy(_Proxy):
    """Breaks each connection, as long as it is `cutting`.

    The dice say where: after some bytes, often within an event, or when nothing has come for a moment. Every
    other break is a reset, the others an orderly end, which looks as if the server had finished.
    """

    def __init__(
        self, ports: Sequence[int], *, seed: int, bytes_max: int = 20_000, quiet_s: float = 0.5
    ) -> None:
        super().__init__(ports, seed=seed)
        self.cutting = True
        self.cuts = 0
        self._bytes_max = bytes_max
        self._quiet_s = quiet_s

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left_bytes = self._dice.randint(1, self._bytes_max)
        while True:
            try:
                async with asyncio.timeout(self._quiet_s * self._dice.random() if self.cutting else None):
                    chunk = await reader.read(_CHUNK_BYTES)
            except TimeoutError:
                if not self.cutting:
                    continue
                self.cuts += 1
                return
            if not chunk:
                return
            if self.cutting and len(chunk) >= left_bytes:
                self.cuts += 1
                writer.write(chunk[:left_bytes])
                if self._dice.random() < 0.5:
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
                return
            left_bytes -= len(chunk)
            writer.write(chunk)
            await writer.drain()


class SwallowingProxy(_Proxy):
    """Loses streams without a word, as a router does that forgets them: they stay open, and nothing comes."""

    def __init__(self, port: int) -> None:
        super().__init__([port], seed=0)
        self.beats: dict[asyncio.StreamWriter, int] = {}
        """How many heartbeats were passed on, by stream."""
        self.swallowed = 0
        """How many pieces of lost streams were thrown away."""
        self._is_away = False
        self._lost: set[asyncio.StreamWriter] = set()
        self._open: set[asyncio.StreamWriter] = set()

    def lose_streams(self) -> None:
        """Lose the streams that are open; cut all else, and let nobody in, until `mend`."""
        self._lost |= set(self.beats)
        self._is_away = True
        for writer in self._open - self._lost:
            writer.transport.abort()

    def mend(self) -> None:
        """Let new connections in again; what was lost stays lost."""
        self._is_away = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_away:
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            await super()._serve(reader, writer)
        finally:
            self._open.discard(writer)
            self.beats.pop(writer, None)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK_BYTES):
            if writer in self._lost:
                self.swallowed += 1
                continue
            if writer in self.beats or _STREAM in chunk:
                self.beats[writer] = self.beats.get(writer, 0) + chunk.count(_BEAT)
            writer.write(chunk)
            await writer.drain()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
