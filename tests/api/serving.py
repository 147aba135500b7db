"""The application behind its real HTTP server, on a free port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
