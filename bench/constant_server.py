"""The baseline of `bench feed`: the API's own HTTP server, which sends constant bytes and knows no market.

`GET /book` answers with as many bytes as a book has; `GET /stream` sends each listener, so many times a
second, as many bytes as a trade's event has, with the moment in which the tick began.
"""

from __future__ import annotations

import asyncio
import sys
import time

import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from api.patience import ImpatientProtocol

_HEADERS = [(b"content-type", b"text/event-stream")]


class ConstantServer:
    """An ASGI application that does the least that there is to do."""

    def __init__(self, *, ticks_per_s: int, event_bytes: int, book: bytes) -> None:
        self._tick_s = 1 / ticks_per_s
        self._event_bytes = event_bytes
        self._book = book
        self._waiting: list[asyncio.Future[bytes]] = []

    async def tick(self) -> None:
        """Wake all listeners at the set moments, for ever."""
        due_s = time.monotonic()
        while True:
            due_s += self._tick_s
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            event = b'data: {"sent":%d,"padding":"' % time.monotonic_ns()
            event = event.ljust(self._event_bytes - 4, b"x") + b'"}\n\n'
            waiting, self._waiting = self._waiting, []
            for future in waiting:
                if not future.done():
                    future.set_result(event)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["path"].startswith("/book"):
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self._book))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": self._book})
            return
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        while True:
            future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await send({"type": "http.response.body", "body": await future, "more_body": True})


async def _serve(port: int, ticks_per_s: int, event_bytes: int, book_bytes: int) -> None:
    application = ConstantServer(
        ticks_per_s=ticks_per_s, event_bytes=event_bytes, book=b'"' + b"x" * (book_bytes - 2) + b'"'
    )
    ticking = asyncio.create_task(application.tick())
    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=port,
        loop="none",
        http=ImpatientProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="critical",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    await uvicorn.Server(config).serve()
    ticking.cancel()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(*map(int, sys.argv[1:])))
