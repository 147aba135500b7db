"""What every request passes: who it is addressed to, which page sends it, how large and how slow it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import failure

BODY_BYTES_MAX = 16 * 1024
BODY_TIMEOUT_S = 10.0
CHECK_EVERY_S = 3.0
"""How often it is looked whether the caller of a stream may still be served."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})
_IS_SERVED = "homebroker.is_served"
_SIGNED_OUT = (
    b'event: signed_out\ndata: {"reason":"invalid_token","message":"You are not signed in any more."}\n\n'
)


def serve_while(request: HTTPConnection, is_served: Callable[[], Awaitable[bool]]) -> None:
    """End a request's stream once its caller may not be served any more."""
    request.scope["state"][_IS_SERVED] = is_served


class Gate:
    """Turns away requests to a foreign host name, from a foreign page, or with a body too large or too slow.

    A page of another site can make a browser send requests here. Its own name resolved to this machine
    (DNS rebinding) is told by the Host header; what it sends across sites, by the Origin header.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], origins: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with what is wrong."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if _host_name(headers.get("host", "")) not in self._hosts:
            refusal = failure(
                400, "bad_host", "The API does not answer to this host name; set HOMEBROKER_ALLOWED_HOSTS."
            )
        elif scope["method"] not in READING and headers.get("origin", "") not in {"", *self._origins}:
            refusal = failure(403, "forbidden_origin", "Pages of other sites may not change anything here.")
        elif _declared_bytes(headers) > BODY_BYTES_MAX:
            refusal = failure(413, "payload_too_large", _TOO_LARGE)
        else:
            scope.setdefault("state", {})
            receiving = _Receiving(receive, scope)
            await self._app(scope, receiving, send)
            if receiving.cut_off:
                await send({"type": "http.response.body", "body": _SIGNED_OUT})
            return
        await refusal(scope, receive, send)


class Headed:
    """Answers HEAD as GET, without the body; what would be streamed is ended once its head is out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        answered = asyncio.Event()

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
            elif not answered.is_set():
                answered.set()
                await send({"type": "http.response.body", "body": b""})

        asked = {**scope, "method": "GET"}
        answering = asyncio.ensure_future(self._app(asked, receive, send_head))
        waiting = asyncio.ensure_future(answered.wait())
        try:
            await asyncio.wait({answering, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            answering.cancel()
            await asyncio.wait({answering})
            scope["route"] = asked.get("route")
        if not answering.cancelled():
            answering.result()


_TOO_LARGE = f"A body has at most {BODY_BYTES_MAX:,} bytes."


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()


def _declared_bytes(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else BODY_BYTES_MAX + 1


class _Receiving:
    """What a request sends, bounded in size and time; a stream is told to end with its caller's session."""

    def __init__(self, receive: Receive, scope: Scope) -> None:
        self._receive = receive
        self._scope = scope
        self._received_bytes = 0
        self._deadline_s: float | None = None
        self._complete = False
        self.cut_off = False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._gone()
        if self._deadline_s is None:
            self._deadline_s = asyncio.get_running_loop().time() + BODY_TIMEOUT_S
        try:
            async with asyncio.timeout_at(self._deadline_s):
                message = await self._receive()
        except TimeoutError as error:
            raise HTTPException(408, f"The body did not come within {BODY_TIMEOUT_S:.0f} s.") from error
        self._received_bytes += len(message.get("body", b""))
        if self._received_bytes > BODY_BYTES_MAX:
            raise HTTPException(413, _TOO_LARGE)
        self._complete = not message.get("more_body", False)
        return message

    async def _gone(self) -> Message:
        # Only streams ask again: to hear that the client has gone. One whose caller was signed out goes too.
        gone = asyncio.ensure_future(self._receive())
        try:
            while True:
                is_served = self._scope["state"].get(_IS_SERVED)
                done, _ = await asyncio.wait({gone}, timeout=CHECK_EVERY_S if is_served else None)
                if done:
                    return gone.result()
                if not await is_served():
                    self.cut_off = True
                    return {"type": "http.disconnect"}
        finally:
            gone.cancel()
