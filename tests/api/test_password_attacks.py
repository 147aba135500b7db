"""Attacks on passwords and on who has which, each against the whole application."""

from __future__ import annotations

import asyncio
import threading
import time

import httpx
import pytest
import structlog
from argon2 import PasswordHasher
from fastapi import FastAPI

from api.identity import sign_in as sign_in_rules
from api.identity.tables import metadata
from api.observation import REQUEST_ID_HEADER
from tests.api.people import PASSWORDS, stranger, tokens


async def test_an_unknown_user_costs_the_same_work_and_gets_the_same_answer(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, password_hash: str, password: str) -> bool:
        worked.append(password_hash.rpartition("$")[0].rpartition("$")[0])
        return verify(self, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    answers = []
    async with stranger(app) as client:
        for username in ("demo", "nobody", "!", "x" * 60):
            form = {"grant_type": "password", "username": username, "password": "a wrong one"}
            client.headers[REQUEST_ID_HEADER] = "the-same"
            by_form = await client.post("/auth/token", data=form)
            by_json = await client.post("/auth/session", json={"username": username, "password": "wrong"})
            answers += [(got.status_code, got.text, dict(got.headers)) for got in (by_form, by_json)]
    assert len(worked) == 8
    assert len(set(worked)) == 1, "the same costs, whoever it is"
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 401


async def test_guessing_a_password_gets_slower_and_slower(app: FastAPI) -> None:
    form = {"grant_type": "password", "username": "demo", "password": "a guess"}
    async with stranger(app) as client:
        for _ in range(sign_in_rules.USERNAME_FREE_FAILURES):
            assert (await client.post("/auth/token", data=form)).status_code == 401
        paused = await client.post("/auth/token", data=form | {"password": PASSWORDS["demo"]})
        assert (paused.status_code, paused.json()["reason"]) == (429, "rate_limited")
        assert int(paused.headers["retry-after"]) >= 1
        # Under other names for the same user, too; not for others.
        same = await client.post("/auth/token", data=form | {"username": " DEMO"})
        assert same.status_code == 429
        await tokens(client, "analyst")


async def test_many_guesses_at_once_are_not_let_through_together(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[None] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, password_hash: str, password: str) -> bool:
        worked.append(None)
        return verify(self, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    form = {"grant_type": "password", "username": "demo", "password": "a guess"}
    async with stranger(app) as client:
        answers = await asyncio.gather(*(client.post("/auth/token", data=form) for _ in range(60)))
    assert {answer.status_code for answer in answers} == {401, 429}
    assert len(worked) == sign_in_rules.USERNAME_FREE_FAILURES


async def test_guessing_one_password_for_many_users_is_paused_by_address(app: FastAPI) -> None:
    async with stranger(app, address="203.0.113.9") as client, stranger(app) as other:
        for number in range(sign_in_rules.ADDRESS_FREE_FAILURES):
            form = {"grant_type": "password", "username": f"user-{number}", "password": "Password1234"}
            assert (await client.post("/auth/token", data=form)).status_code == 401
        for headers in ({}, {"x-forwarded-for": "198.51.100.7"}, {"forwarded": "for=198.51.100.7"}):
            again = await client.post("/auth/token", data=form | {"username": "one-more"}, headers=headers)
            assert again.status_code == 429
        await tokens(other, "demo")


async def test_guessing_the_own_password_from_a_stolen_session_is_paused_too(
    client: httpx.AsyncClient,
) -> None:
    change = {"current_password": "a guess", "new_password": "another-one-entirely"}
    answers = [(await client.post("/auth/password", json=change)).status_code for _ in range(8)]
    assert answers == [401] * 5 + [429] * 3


async def test_no_secret_is_kept_logged_or_answered(app: FastAPI) -> None:
    password = "a-secret-that-nobody-sees"
    with structlog.testing.capture_logs() as logs:
        async with stranger(app) as client:
            registered = await client.post("/auth/register", json={"username": "zoe", "password": password})
            pair = await tokens(client, "zoe", password)
            shown = {"authorization": f"Bearer {pair['access_token']}"}
            key = (await client.post("/auth/keys", json={"name": "k"}, headers=shown)).json()["key"]
            session = await client.post("/auth/session", json={"username": "zoe", "password": password})
            cookie = client.cookies["homebroker_session"]
            wrong = await client.post("/auth/session", json={"username": "zoe", "password": password + "!"})
            bad = await client.post("/auth/session", json={"username": [password], "password": password})
            renewed = await client.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]})
            await client.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    for answer in (registered, session, wrong, bad):
        assert password not in answer.text
    secrets = [
        password,
        key,
        cookie,
        pair["refresh_token"],
        pair["access_token"],
        renewed.json()["refresh_token"],
    ]
    with app.state.identity.database.engine.connect() as connection:
        kept = str([connection.execute(table.select()).all() for table in metadata.sorted_tables])
    assert "$argon2id$" in kept
    for secret in secrets:
        assert secret not in kept
        assert secret not in str(logs)


async def test_a_flood_of_sign_ins_is_turned_away_and_stops_nobody_who_is_in(
    client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.identity.passwords._WAITING_MAX", 4)
    verify = PasswordHasher.verify
    busy = set[threading.Thread]()

    def slow(self: PasswordHasher, password_hash: str, password: str) -> bool:
        busy.add(threading.current_thread())
        time.sleep(0.05)
        return verify(self, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", slow)
    async with stranger(app) as crowd:

        async def knock(number: int) -> int:
            form = {"grant_type": "password", "username": f"user-{number % 19}", "password": "x"}
            return (await crowd.post("/auth/token", data=form)).status_code

        flood = asyncio.gather(*(knock(number) for number in range(19)))
        while not flood.done():
            assert (await client.get("/orders")).status_code == 200
            await asyncio.sleep(0.005)
        assert set(await flood) == {401, 503}
    # Requests are answered in this thread, which no password keeps busy.
    assert busy
    assert threading.current_thread() not in busy
