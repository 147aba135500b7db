"""Every request has a name, which its answer, its log lines and its command in Kafka carry; and is timed."""

from __future__ import annotations

import re
import secrets
import time
from contextvars import ContextVar
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics
from api.middleware import READING

REQUEST_ID_HEADER: Final = "X-Request-ID"
_GIVEN: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_OTHER: Final = "other"
_NO_ANSWER: Final = 0

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_log = structlog.get_logger("api")


def request_id() -> str:
    """Give the name of the request that is being answered; empty where none is."""
    return _request_id.get()


class Observed:
    """Names and times each request, and logs one line for each that may have changed something or failed.

    A name that the client or a proxy gave is kept when it is short and plain. Requests that only read are
    counted and not logged: a page makes several a second.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        name = given if _GIVEN.fullmatch(given) else secrets.token_hex(8)
        answer = _Answer(send, name)
        before = _request_id.set(name)
        try:
            with structlog.contextvars.bound_contextvars(request_id=name):
                await self._app(scope, receive, answer)
                _tell(scope, answer)
        finally:
            _request_id.reset(before)
            _count(scope, answer)


class _Answer:
    """Sends an answer on, with the request's name in its head."""

    def __init__(self, send: Send, name: str) -> None:
        self._send = send
        self._name = name
        self._begun_s = time.perf_counter()
        self.status = _NO_ANSWER
        self.seconds = 0.0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.seconds = message["status"], time.perf_counter() - self._begun_s
            MutableHeaders(scope=message)[REQUEST_ID_HEADER] = self._name
        await self._send(message)


def _tell(scope: Scope, answer: _Answer) -> None:
    if scope["method"] not in READING or answer.status >= 500:
        _log.info(
            "request answered",
            method=scope["method"],
            route=_route_of(scope),
            status=answer.status,
            ms=round(1_000 * answer.seconds, 1),
        )


def _count(scope: Scope, answer: _Answer) -> None:
    if answer.status != _NO_ANSWER:
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        labels = (method, _route_of(scope), str(answer.status))
        metrics.REQUEST_SECONDS.labels(*labels).observe(answer.seconds)


def _route_of(scope: Scope) -> str:
    # The pattern, not the path: those are without end, and may carry what is somebody's own.
    return getattr(scope.get("route"), "path", _OTHER)
