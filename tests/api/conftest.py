"""What the API's tests share: an API over the real engine, with the demo's users."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.app import create_app
from api.config import ApiConfig
from api.live.view import LiveView
from api.services import Services
from engine.log import Connection
from tests.api.exchange import Exchange
from tests.api.near_engine import NearEngine, RecordedEngine
from tests.api.people import sign_in, stranger

SECRET_KEY = "what only the tests sign tokens with, long enough for HMAC with SHA-512"


def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let argon2 do little work: what it does is not what most tests are about."""
    monkeypatch.setattr("api.identity.passwords._MEMORY_KIB", 8)
    monkeypatch.setattr("api.identity.passwords._PASSES", 1)


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    quick_passwords(monkeypatch)


def make_app(folder: Path, *, database_url: str | None = None) -> FastAPI:
    """Make an API that has caught up with a market of two symbols; its users are still to be prepared."""
    config = ApiConfig(
        connection=Connection(bootstrap_servers="127.0.0.1:1"),
        database_url=database_url or f"sqlite:///{folder / 'history.sqlite'}",
        dashboard_port=8501,
        secret_key=SecretStr(SECRET_KEY),
        demo=True,
        orders_per_second=10_000,
        requests_per_second=10_000,
    )
    app = create_app(config)
    services: Services = app.state.services
    exchange = Exchange()
    services.follower.view = LiveView(books_from_start=True)
    services.view.apply(exchange.open())
    services.follower.caught_up = True
    services.sender = NearEngine(exchange, services)  # type: ignore[assignment]
    return app


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[FastAPI]:
    """Give an API over the real engine, with the demo's users."""
    app = make_app(tmp_path)
    async with app.state.identity.running():
        yield app
    app.state.services.history.close()


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the API, signed in as the trader of the demo."""
    async with stranger(app) as client:
        await sign_in(client, "demo")
        yield client


@pytest.fixture
def engine(app: FastAPI) -> NearEngine:
    """Give the engine behind the API."""
    near = app.state.services.sender
    assert isinstance(near, NearEngine)
    return near


@pytest.fixture
def recorded(engine: NearEngine, app: FastAPI) -> RecordedEngine:
    """Put a recorder beside the engine."""
    recorded = RecordedEngine(engine.exchange, engine.services)
    app.state.services.sender = recorded
    return recorded
