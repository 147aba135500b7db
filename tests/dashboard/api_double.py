"""A local HTTP server that answers what a test tells it to: for the answers that a sound API never gives."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PETR4 = {
    "symbol": "PETR4",
    "name": "Petrobras PN",
    "tick_size": 0.01,
    "lot_size": 1,
    "reference_price": 38.0,
    "last_price": 38.5,
    "phase": "continuous",
}


@dataclass
class Scripted:
    """Answers by method and path, and the bodies that came in."""

    port: int = 0
    answers: dict[str, tuple[int, Any]] = field(default_factory=lambda: {"GET /assets": (200, [PETR4])})
    bodies: list[Any] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, request: str, status: int, body: Any) -> None:
        """Answer a request such as `POST /orders`; a body of bytes goes out as it is, None hangs up."""
        self.answers[request] = (status, body)


def _handler(scripted: Scripted) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("content-length", 0))
            if length:
                scripted.bodies.append(json.loads(self.rfile.read(length)))
            status, body = scripted.answers[f"{self.command} {self.path}"]
            if body is None:
                self.close_connection = True
                return
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET: Callable[[], None] = _answer  # noqa: N815 - the base class's names
        do_POST: Callable[[], None] = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def scripted_api() -> Iterator[Scripted]:
    """Serve a scripted API on a free port."""
    scripted = Scripted()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(scripted)) as server:
        scripted.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield scripted
        server.shutdown()
        thread.join()
