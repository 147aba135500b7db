"""The API's application: its routes, its errors, what every request passes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, Request
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from api import errors
from api.acts import IDEMPOTENCY_KEY_HEADER
from api.config import ApiConfig
from api.dependencies import current_admin, current_investor
from api.errors import answers
from api.history import HistoryUnavailableError, QueryTooLongError
from api.identity.credentials import API_KEY_HEADER
from api.identity.database import identity_url
from api.identity.limits import Pace
from api.identity.service import Identity
from api.middleware import Gate, Headed
from api.observation import REQUEST_ID_HEADER, Observed
from api.routes import (
    account,
    admin,
    assets,
    auth,
    books,
    candles,
    daily_positions,
    executions,
    health,
    keys,
    metrics,
    orders,
    portfolio,
    preferences,
    preview,
    sessions,
    stream,
    system,
    trades,
    transactions,
    users,
    wallet,
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
    identity = Identity(
        identity_url(config.database_url),
        secret_key=config.secret_key.get_secret_value(),
        with_demo=config.demo,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with identity.running(), services.running():
            yield

    # A redirect from /orders/ to /orders would make canceling an order without an id cancel them all.
    app = FastAPI(
        title="Homebroker", version="1", description=_DESCRIPTION, lifespan=lifespan, redirect_slashes=False
    )
    app.state.services = services
    app.state.identity = identity
    app.state.pace = Pace(
        orders_per_second=config.orders_per_second, requests_per_second=config.requests_per_second
    )
    app.state.deposits = wallet.deposit_buckets()
    errors.install(app)
    app.add_exception_handler(BrokerUnavailableError, _broker_unavailable)
    app.add_exception_handler(HistoryUnavailableError, _history_unavailable)
    app.add_exception_handler(QueryTooLongError, _query_too_long)
    operation = (health, metrics)
    people = (auth, sessions, keys, preferences)
    for resource in (assets, books, trades, candles, transactions, stream, *operation, *people):
        app.include_router(resource.router)
    # Also for routes that use nothing of the caller's, so that none can be left open by mistake.
    own = (preview, orders, executions, account, portfolio, daily_positions, wallet)
    for resources, check in ((own, current_investor), ((admin, users, system), current_admin)):
        for resource in resources:
            app.include_router(
                resource.router, dependencies=[Depends(check)], responses=answers(401, 403, 429)
            )
    app.add_middleware(Headed)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=config.page_origins,
        allow_credentials=True,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Last-Event-ID",
            API_KEY_HEADER,
            IDEMPOTENCY_KEY_HEADER,
        ],
        expose_headers=["Retry-After", REQUEST_ID_HEADER],
        max_age=600,
    )
    app.add_middleware(Gate, hosts=config.host_names, origins=config.page_origins)
    app.add_middleware(Observed)
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


async def _query_too_long(_request: Request, _error: Exception) -> Response:
    return errors.failure(
        422,
        "too_long",
        "Looking for that takes the database too long; narrow start_ms and end_ms, or name a symbol.",
    )
