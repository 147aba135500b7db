"""A network that breaks: a proxy that cuts connections at random bytes and moments."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.market import free_ports

_CHUNK_BYTES = 4_096


class CuttingProxy:
    """Takes each connection to one of some servers, and breaks it, as long as it is `cutting`.

    The dice say where: after some bytes, often within an event, or when nothing has come for a moment. Every
    other break is a reset, the others an orderly end, which looks as if the server had finished.
    """

    def __init__(
        self, ports: Sequence[int], *, seed: int, bytes_max: int = 20_000, quiet_s: float = 0.5
    ) -> None:
        self.cutting = True
        self.cuts = 0
        self._ports = ports
        self._dice = random.Random(seed)
        self._bytes_max = bytes_max
        self._quiet_s = quiet_s
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


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
