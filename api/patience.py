"""HTTP connections that must say what they want in time, and in few words."""

from __future__ import annotations

import asyncio

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.streaming import ABORT

HEAD_TIMEOUT_S = 10.0
HEAD_BYTES_MAX = 32 * 1024

_log = structlog.get_logger("api")


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn's own would wait for a request's head for ever and keep all of it, however long."""

    _head_bytes = 0
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._begin_to_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in bytes; a head that is still not whole has a bound, within which the parser keeps it."""
        if self._waiting is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._waiting is not None and self._head_bytes > HEAD_BYTES_MAX:
            self._give_up("a request's head was too long")

    def on_message_begin(self) -> None:
        """Wait for the rest of a request's head."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: self.transport.abort}  # type: ignore[dict-item]
        self._begin_to_wait()

    def on_headers_complete(self) -> None:
        """Let the request in."""
        self._stop_waiting()
        self._head_bytes = 0
        super().on_headers_complete()

    def _begin_to_wait(self) -> None:
        self._stop_waiting()
        self._waiting = self.loop.call_later(
            HEAD_TIMEOUT_S, self._give_up, "a request's head did not come in time"
        )

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self, why: str) -> None:
        _log.info("a connection was ended", why=why, client=self.client)
        self._stop_waiting()
        self.transport.close()
