"""How a stream goes out over HTTP, and how many somebody may have open."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import structlog
from msgspec import Struct
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.errors import ApiError
from api.feed import TooManySubscribersError

SEND_TIMEOUT_S = 20.0
"""How long a client may take nothing before it is cut off."""
ABORT = "homebroker.abort"
"""The ASGI extension by which a connection is ended without waiting for what the client never reads."""
_RETRY_AFTER = {"Retry-After": "10"}

_log = structlog.get_logger("api")


class StreamCounts:
    """How many streams each user, and each address of people who are not signed in, has open."""

    def __init__(self, *, of_user_max: int, of_address_max: int) -> None:
        self._max = {"user": of_user_max, "address": of_address_max}
        self._open: Counter[tuple[str, str]] = Counter()

    def enter(self, owner: Owner) -> None:
        """Count a stream that opens.

        Raises
        ------
        ApiError
            429 when its owner has as many as allowed.
        """
        most = self._max[owner.kind]
        if self._open[owner.kind, owner.name] >= most:
            raise too_many(f"You have {most} streams open, which is the most; close some and try again.")
        self._open[owner.kind, owner.name] += 1

    def leave(self, owner: Owner) -> None:
        """Take it off again."""
        self._open[owner.kind, owner.name] -= 1
        if not self._open[owner.kind, owner.name]:
            del self._open[owner.kind, owner.name]

    def __len__(self) -> int:
        return self._open.total()


class Owner(Struct, frozen=True):
    """Whose a stream is: a `user`'s, or an `address`'s."""

    kind: str
    name: str


class EventStream(Response):
    """Sends the chunks of an iterator as server-sent events until one side ends it.

    The iterator is begun before the answer is: where there is no room, that is the answer. ADR 0017 says why
    it is not a library's.
    """

    media_type = "text/event-stream"

    def __init__(self, make: Callable[[], AsyncGenerator[bytes]], counts: StreamCounts, owner: Owner) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        # Its length is not known: the server sends it in chunks.
        self.raw_headers = [header for header in self.raw_headers if header[0] != b"content-length"]
        self._make = make
        self._counts = counts
        self._owner = owner
        self._sending_since_s: float | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until one side ends it."""
        try:
            self._counts.enter(self._owner)
        except ApiError as error:
            await error.response()(scope, receive, send)
            return
        try:
            async with aclosing(self._make()) as chunks:
                await self._answer(chunks, scope, receive, send)
        finally:
            self._counts.leave(self._owner)

    async def _answer(
        self, chunks: AsyncGenerator[bytes], scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            first = await anext(chunks)
        except TooManySubscribersError:
            error = ApiError(503, "too_many_streams", "All streams are taken; try again later.")
            await error.response()(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        sending = asyncio.create_task(self._send(first, chunks, send))
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await self._watch(sending, gone, scope)
        finally:
            sending.cancel()
            gone.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)

    async def _send(self, first: bytes, chunks: AsyncGenerator[bytes], send: Send) -> None:
        loop = asyncio.get_running_loop()
        await send({"type": "http.response.body", "body": first, "more_body": True})
        async for chunk in chunks:
            self._sending_since_s = loop.time()
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            self._sending_since_s = None
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _watch(self, sending: asyncio.Task[None], gone: asyncio.Task[None], scope: Scope) -> None:
        loop = asyncio.get_running_loop()
        while True:
            done, _ = await asyncio.wait(
                {sending, gone}, timeout=SEND_TIMEOUT_S / 2, return_when=asyncio.FIRST_COMPLETED
            )
            if done:
                return
            since_s = self._sending_since_s
            if since_s is not None and loop.time() - since_s > SEND_TIMEOUT_S:
                _log.info("a stream's client took nothing and was cut off", client=scope.get("client"))
                scope.get("extensions", {})[ABORT]()
                return


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def too_many(message: str) -> ApiError:
    """Say that somebody has too many streams."""
    return ApiError(429, "too_many_streams", message, headers=_RETRY_AFTER)
