"""The API's application: its routes, its errors, what every request passes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from api import errors
from api.config import ApiConfig
from api.history import HistoryUnavailableError
from api.middleware import Gate
from api.routes import (
    account,
    assets,
    books,
    candles,
    health,
    orders,
    portfolio,
    preview,
    stream,
    trades,
    transactions,
)
from api.sender import BrokerUnavailableError
from api.services import Services

_DESCRIPTION = """\
Trade, and follow the market. Prices are numbers in BRL, exact to the asset's tick; quantities are whole
shares; times are UTC milliseconds. Every error is `{"reason", "message"}`, and a 5xx means that the outcome
is unknown, never that it failed.
"""


def create_app(config: ApiConfig) -> FastAPI:
    """Make the application; nothing is connected before it starts."""
    services = Services(config)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with services.running():
            yield

    app = FastAPI(title="Homebroker", version="1", description=_DESCRIPTION, lifespan=lifespan)
    app.state.services = services
    errors.install(app)
    app.add_exception_handler(BrokerUnavailableError, _broker_unavailable)
    app.add_exception_handler(HistoryUnavailableError, _history_unavailable)
    for resource in (assets, books, trades, candles, transactions):
        app.include_router(resource.router)
    for resource in (preview, orders, account, portfolio, stream, health):
        app.include_router(resource.router)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=config.page_origins,
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
        max_age=600,
    )
    app.add_middleware(Gate, hosts=config.host_names, origins=config.page_origins)
    return app


async def _broker_unavailable(_request: Request, _error: Exception) -> Response:
    return errors.failure(
        503,
        "broker_unavailable",
        "Kafka did not confirm the command; it may still be done. GET /orders tells, once Kafka is back.",
    )


async def _history_unavailable(_request: Request, _error: Exception) -> Response:
    return errors.failure(
        503, "database_unavailable", "The history cannot be read now; see the recorder's log, or try again."
    )
