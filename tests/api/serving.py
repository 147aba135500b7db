"""The application behind its real HTTP server, on a free port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI
from msgspec import structs

from api.server import http_config
from api.services import Services
from tests.kafka.waiting import until
from tests.market import free_ports


@asynccontextmanager
async def serving(app: FastAPI, **changed: object) -> AsyncIterator[int]:
    """Serve an application whose parts run already; gives the port."""
    services: Services = app.state.services
    config = structs.replace(services.config, port=free_ports(1), **changed)
    served = http_config(app, config)
    served.lifespan = "off"
    server = uvicorn.Server(served)
    task = asyncio.create_task(server._serve())
    await until(lambda: server.started, "the server listens")
    try:
        yield config.port
    finally:
        server.should_exit = True
        services.say_goodbye()
        await task


@contextmanager
def serving_apart(app: FastAPI) -> Iterator[int]:
    """Serve an application, with the users it needs, from a thread of its own; gives the port."""
    port: Future[int] = Future()
    enough = threading.Event()

    async def serve() -> None:
        async with app.state.identity.running(), serving(app) as serving_port:
            port.set_result(serving_port)
            await asyncio.to_thread(enough.wait)

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    try:
        yield port.result(timeout=60)
    finally:
        enough.set()
        thread.join()
