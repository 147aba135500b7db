"""Serves the API over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.config import ApiConfig
from api.patience import ImpatientProtocol
from api.standing import api_standing
from engine.progress import Report, State

_REPORT_EVERY_S = 1.0
_STOP_TIMEOUT_S = 5


class _Server(uvicorn.Server):
    """A server whose signals are handled by whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


class PortTakenError(RuntimeError):
    """The API could not listen."""


def http_config(app: FastAPI, config: ApiConfig) -> uvicorn.Config:
    """Say how the application is served."""
    return uvicorn.Config(
        app,
        host=config.host,
        port=config.port,
        loop="none",
        http=ImpatientProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        # Unless told of a proxy, nobody is believed about where a request comes from.
        proxy_headers=bool(config.trusted_proxies),
        forwarded_allow_ips=list(config.trusted_proxies),
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_STOP_TIMEOUT_S,
    )


async def run(config: ApiConfig, *, report: Report, begun: Callable[[], None] = lambda: None) -> None:
    """Serve the API until cancelled; then end the streams, finish the requests, and return.

    Parameters
    ----------
    config : ApiConfig
        Where to listen, and where the market is.
    report : Report
        Told where the live view stands, about once a second.
    begun : callable
        Called once, when the live view is up to date for the first time.

    Raises
    ------
    PortTakenError
        When the server cannot listen on the host and port.
    """
    app = create_app(config)
    server = _Server(http_config(app, config))
    serving = asyncio.create_task(_serve(server, config))
    telling = asyncio.create_task(_tell(app, report, begun))
    try:
        await asyncio.shield(serving)
    finally:
        telling.cancel()
        app.state.services.say_goodbye()
        server.should_exit = True
        await _finished(serving)


async def _serve(server: _Server, config: ApiConfig) -> None:
    try:
        await server.serve()
    except SystemExit as error:
        raise PortTakenError(
            f"The API cannot listen on {config.host}:{config.port}; free it, or set HOMEBROKER_API_PORT."
        ) from error


async def _finished(serving: asyncio.Task[None]) -> None:
    # A second cancellation must not leave the port and the streams open; uvicorn bounds how long it takes.
    while not serving.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({serving})


async def _tell(app: FastAPI, report: Report, begun: Callable[[], None]) -> None:
    services, identity, has_begun = app.state.services, app.state.identity, False
    while True:
        if not has_begun and services.follower.standing.state is State.READY:
            has_begun = True
            begun()
        standing = api_standing(services, identity, time.monotonic())
        report(standing.state, standing.detail)
        await asyncio.sleep(_REPORT_EVERY_S)
