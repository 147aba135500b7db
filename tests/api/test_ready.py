"""What `GET /ready` says, and to whom the API answers before it may."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.services import Services
from engine.progress import State
from tests.api.conftest import make_app
from tests.api.people import stranger
from tests.market import TIMEOUT_S

ORDER = {"symbol": "PETR4", "side": "buy", "quantity": 10, "price": 10.0}


async def test_before_the_log_is_read_nothing_is_answered_but_health(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    app.state.services.follower.caught_up = False
    for path in ("/assets", "/orders", "/account", "/stream", "/book/PETR4"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["reason"]) == (503, "starting")
    assert (await client.post("/orders", json=ORDER)).status_code == 503
    assert (await client.get("/ready")).status_code == 503
    assert (await client.get("/health")).status_code == 200


async def test_ready_says_why_not(client: httpx.AsyncClient, app: FastAPI) -> None:
    follower = app.state.services.follower
    follower._stand(State.RETRYING, "Kafka is away")
    answer = await client.get("/ready")
    told = {"status": "retrying", "message": "Kafka is away", "reason": "not_ready"}
    assert (answer.status_code, answer.json()) == (503, told)


async def test_ready_says_that_the_engine_does_not_answer(client: httpx.AsyncClient, app: FastAPI) -> None:
    follower = app.state.services.follower
    follower._stand(State.READY, "up to date")
    now_s = time.monotonic()
    follower.answering.look(commands=5, outputs=9, now_s=now_s - 60)
    assert (await client.get("/ready")).status_code == 200
    follower.answering.look(commands=6, outputs=9, now_s=now_s - 30)
    answer = await client.get("/ready")
    assert (answer.status_code, answer.json()["reason"]) == (503, "not_ready")
    assert "the engine has not answered for 30 s" in answer.json()["message"]
    follower.answering.look(commands=7, outputs=10, now_s=now_s)
    assert (await client.get("/ready")).status_code == 200


async def test_ready_says_that_the_history_does_not_keep_up(client: httpx.AsyncClient, app: FastAPI) -> None:
    services: Services = app.state.services
    services.follower._stand(State.READY, "up to date")
    services.history_watch.asking(time.monotonic() - 60)
    services.history_watch.failed("connection refused")
    answer = await client.get("/ready")
    assert (answer.status_code, answer.json()["reason"]) == (503, "database_unavailable")
    assert "database cannot be read (connection refused); see that it runs" in answer.json()["message"]
    services.history_watch.read({}, time.monotonic())
    assert (await client.get("/ready")).status_code == 200


async def _ready(client: httpx.AsyncClient, status: int, words: str = "") -> dict[str, Any]:
    """Ask until it is answered with a status, and a message that has some words."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            answer = await client.get("/ready")
            told: dict[str, Any] = answer.json()
            if answer.status_code == status and words in told["message"]:
                return told
            await asyncio.sleep(0.01)


async def test_ready_says_that_the_users_are_away_until_they_are_back(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.watching.AWAY_MAX_S", 0.05)
    monkeypatch.setattr("api.watching.LOOK_EVERY_S", 0.01)
    app = make_app(tmp_path, database_url=database_url)
    services: Services = app.state.services
    services.follower._stand(State.READY, "up to date")
    database = app.state.identity.database.engine
    async with app.state.identity.running(), stranger(app) as client:
        assert await _ready(client, 200) == {"status": "ready", "message": "up to date", "reason": None}
        with database.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE users RENAME TO hidden")
        lost = "no such table" if database.dialect.name == "sqlite" else "does not exist"
        told = await _ready(client, 503, lost)
        assert told["reason"] == "users_unavailable"
        assert "database of users cannot be read" in told["message"] and "see that it runs" in told["message"]
        services.history_watch.asking(time.monotonic() - 60)
        told = await _ready(client, 503)
        assert told["reason"] == "users_unavailable"
        assert "the history's database cannot be read (it has not answered)" in told["message"]
        services.history_watch.read({}, time.monotonic())
        with database.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE hidden RENAME TO users")
        await _ready(client, 200)
    services.history.close()
