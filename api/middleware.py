"""What every request passes: who it is addressed to, which page sends it, how large it is."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import failure

BODY_BYTES_MAX = 16 * 1024
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """Turns away requests to a foreign host name, from a foreign page, or with a body too large.

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
        elif scope["method"] not in _READING and headers.get("origin", "") not in {"", *self._origins}:
            refusal = failure(403, "forbidden_origin", "Pages of other sites may not change anything here.")
        elif _declared_bytes(headers) > BODY_BYTES_MAX:
            refusal = failure(413, "payload_too_large", _TOO_LARGE)
        else:
            await self._app(scope, _limited(receive), send)
            return
        await refusal(scope, receive, send)


_TOO_LARGE = f"A body has at most {BODY_BYTES_MAX:,} bytes."


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()


def _declared_bytes(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else BODY_BYTES_MAX + 1


def _limited(receive: Receive) -> Receive:
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > BODY_BYTES_MAX:
            raise HTTPException(413, _TOO_LARGE)
        return message

    return receive_limited
