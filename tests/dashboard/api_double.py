"""A local HTTP server that answers what a test tells it to: for the answers that a sound API never gives.

Like the API it tells people apart by the session's secret, and lets nobody else to what is someone's own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.dashboard import answers

DEMO = {"username": "demo", "role": "trader", "investor_id": "demo", "read_only": False}
DEMO_SECRET = "hbs_demo"
OWN = ("/auth/me", "/account", "/orders", "/portfolio", "/preferences", "/executions", "/positions", "/admin")
NOT_SIGNED_IN = {"reason": "invalid_token", "message": "This does not sign you in, or not any more."}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What came in; `secret` is that of the session that it was sent with."""

    name: str
    secret: str | None
    body: Any
    idempotency_key: str | None = None


@dataclass
class Scripted:
    """Answers by method and path, whose session each secret is, and what came in."""

    port: int = 0
    answers: dict[str, tuple[int, Any]] = field(
        default_factory=lambda: {
            "GET /assets": (200, [answers.TICKER]),
            "GET /preferences": (200, {"confirm_orders": False}),
        }
    )
    sessions: dict[str, dict[str, Any]] = field(default_factory=lambda: {DEMO_SECRET: DEMO})
    cookies: list[str] = field(default_factory=list)
    cookies_received: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @property
    def bodies(self) -> list[Any]:
        """What was sent, without the requests that had no body."""
        return [request.body for request in self.requests if request.body is not None]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, request: str, status: int, body: Any) -> None:
        """Answer a request such as `POST /orders`; a body of bytes goes out as it is, None hangs up."""
        self.answers[request] = (status, body)

    def answer_to(self, request: Request) -> tuple[int, Any]:
        """Give what a request is answered with."""
        me = self.sessions.get(request.secret or "")
        wanted = request.name if request.name in self.answers else request.name.partition("?")[0]
        if wanted in self.answers and not (me is None and request.name.split()[1].startswith(OWN)):
            return self.answers[wanted]
        if me is None:
            return 401, NOT_SIGNED_IN
        assert request.name == "GET /auth/me", request.name
        return 200, me


def _handler(scripted: Scripted) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("content-length", 0))
            sent = json.loads(self.rfile.read(length)) if length else None
            scheme, _, secret = self.headers.get("authorization", "").partition(" ")
            request = Request(
                name=f"{self.command} {self.path}",
                secret=secret if scheme == "Bearer" else None,
                body=sent,
                idempotency_key=self.headers.get("idempotency-key"),
            )
            scripted.requests.append(request)
            scripted.cookies_received += self.headers.get_all("cookie", [])
            status, body = scripted.answer_to(request)
            if body is None:
                self.close_connection = True
                return
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            for cookie in scripted.cookies:
                self.send_header("set-cookie", cookie)
            self.end_headers()
            self.wfile.write(content)

        do_GET: Callable[[], None] = _answer  # noqa: N815 - the base class's names
        do_POST: Callable[[], None] = _answer  # noqa: N815
        do_PUT: Callable[[], None] = _answer  # noqa: N815

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
