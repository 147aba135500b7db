"""Attacks by foreign pages, and on API keys and roles, each against the whole application."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from tests.api.near_engine import NearEngine
from tests.api.people import PAGE, PASSWORDS, sign_in, stranger

ORDER = {"symbol": "PETR4", "side": "buy", "quantity": 1, "price": 10.0}
FOREIGN_ORIGINS = [
    "http://evil.example",
    "http://127.0.0.1:3000",  # another program's page on this machine gets the cookie, too
    "https://127.0.0.1:8501",
    "http://127.0.0.1.evil.example:8501",
    "http://localhost:8501.evil.example",
    "null",
]


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_a_foreign_page_does_nothing_with_the_cookie(
    app: FastAPI, engine: NearEngine, origin: str
) -> None:
    async with stranger(app) as client:
        await client.post("/auth/session", json={"username": "demo", "password": PASSWORDS["demo"]})
        placed = await client.post("/orders", json=ORDER, headers={"origin": PAGE})
        assert placed.status_code == 201
        offset = engine.exchange.offset
        attempts = [
            await client.post("/orders", json=ORDER, headers={"origin": origin}),
            await client.delete("/orders", headers={"origin": origin}),
            await client.post("/account/deposits", json={"cash": 1}, headers={"origin": origin}),
            await client.post("/auth/keys", json={"name": "k"}, headers={"origin": origin}),
            await client.delete("/auth/session", headers={"origin": origin}),
            # A program that has a cookie but says nothing of a page: no browser does that.
            await client.post("/orders", json=ORDER),
            await client.delete("/auth/session"),
        ]
        assert [(got.status_code, got.json()["reason"]) for got in attempts] == [
            (403, "forbidden_origin")
        ] * len(attempts)
        assert engine.exchange.offset == offset
        read = await client.get("/orders", headers={"origin": origin})
        assert "access-control-allow-origin" not in read.headers
        asked = {"origin": origin, "access-control-request-method": "POST"}
        assert "access-control-allow-origin" not in (await client.options("/orders", headers=asked)).headers
        assert (await client.get("/auth/me")).status_code == 200


async def test_a_foreign_page_signs_nobody_in_as_somebody_else(app: FastAPI) -> None:
    async with stranger(app) as client:
        login = {"username": "demo", "password": PASSWORDS["demo"]}
        for origin in FOREIGN_ORIGINS:
            answer = await client.post("/auth/session", data=login, headers={"origin": origin})
            assert answer.status_code == 403
        assert len(client.cookies) == 0


async def test_the_markets_own_pages_may_use_the_cookie(app: FastAPI) -> None:
    async with stranger(app) as client:
        await client.post("/auth/session", json={"username": "demo", "password": PASSWORDS["demo"]})
        read = await client.get("/orders", headers={"origin": PAGE})
        assert read.headers["access-control-allow-origin"] == PAGE
        assert read.headers["access-control-allow-credentials"] == "true"


async def test_an_api_key_cannot_make_itself_at_home(client: httpx.AsyncClient, app: FastAPI) -> None:
    made = (await client.post("/auth/keys", json={"name": "robot"})).json()
    async with stranger(app) as robot:
        robot.headers["x-api-key"] = made["key"]
        change = {"current_password": PASSWORDS["demo"], "new_password": "another-one-entirely"}
        for method, path in (
            ("POST", "/auth/keys"),
            ("GET", "/auth/keys"),
            ("DELETE", f"/auth/keys/{made['key_id']}"),
            ("POST", "/auth/password"),
            ("POST", "/auth/logout"),
        ):
            answer = await robot.request(method, path, json=change | {"name": "another"})
            assert (answer.status_code, answer.json()["reason"]) == (403, "forbidden")


async def test_the_right_id_of_a_key_is_not_the_key(client: httpx.AsyncClient, app: FastAPI) -> None:
    key = (await client.post("/auth/keys", json={"name": "robot"})).json()["key"]
    async with stranger(app) as robot:
        for guess in (key[:-1], key[:-1] + ("A" if key[-1] != "A" else "B"), key + "A", key.upper()):
            answer = await robot.get("/auth/me", headers={"x-api-key": guess})
            assert answer.status_code == 401


async def test_anothers_key_cannot_be_revoked(client: httpx.AsyncClient, app: FastAPI) -> None:
    made = (await client.post("/auth/keys", json={"name": "robot"})).json()
    async with stranger(app) as other:
        await sign_in(other, "admin")
        assert (await other.get("/auth/keys")).json() == []
        assert (await other.delete(f"/auth/keys/{made['key_id']}")).status_code == 404
        other.headers.pop("authorization")
        assert (await other.get("/auth/me", headers={"x-api-key": made["key"]})).status_code == 200


async def test_an_admin_who_is_none_any_more_is_none_at_once(client: httpx.AsyncClient, app: FastAPI) -> None:
    async with stranger(app) as admin, stranger(app) as fired:
        await sign_in(admin, "admin")
        wanted = {"username": "eve", "password": "a-long-password", "role": "admin"}
        await admin.post("/admin/users", json=wanted)
        await sign_in(fired, "eve", "a-long-password")
        assert (await fired.get("/admin/users")).status_code == 200
        await admin.patch("/admin/users/eve", json={"role": "analyst"})
        # The token still says otherwise.
        assert (await fired.get("/admin/users")).status_code == 403
