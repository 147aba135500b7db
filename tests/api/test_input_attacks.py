"""Attacks by what a request says: ids, paths, queries and bodies, each against the whole application."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from api.recorder.store import HistoryStore
from tests.api.near_engine import NearEngine
from tests.api.people import sign_in, stranger

ORDER = {"symbol": "PETR4", "side": "buy", "quantity": 1, "price": 10.0}
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("field", ["investor_id", "user_id", "username", "account", "command", "role"])
async def test_ids_in_an_order_count_for_nothing(
    client: httpx.AsyncClient, engine: NearEngine, field: str
) -> None:
    answer = await client.post("/orders", json=ORDER | {field: "ana", "order_id": "mine"})
    assert answer.status_code == 201
    [told] = {record.key for record in engine.exchange.records if b'"mine"' in (record.value or b"")}
    assert told == b"demo"
    for query in ("?investor_id=ana", "?user=ana"):
        assert [row["order_id"] for row in (await client.get(f"/orders{query}")).json()] == ["mine"]
        assert (await client.get(f"/account{query}")).json()["investor_id"] == "demo"


async def test_registering_gives_no_more_than_a_trader_of_an_own_account(app: FastAPI) -> None:
    async with stranger(app) as client:
        wanted = {
            "username": "mallory",
            "password": "a-long-password",
            "role": "admin",
            "investor_id": "demo",
            "user_id": "0",
            "demo": True,
            "disabled": False,
            "read_only": False,
        }
        made = (await client.post("/auth/register", json=wanted)).json()
        assert made["role"] == "trader"
        assert made["investor_id"] != "demo"
        await sign_in(client, "mallory", "a-long-password")
        assert (await client.get("/auth/me")).json() == made
        assert (await client.get("/admin/users")).status_code == 403
        key = {"name": "k", "role": "admin", "user_id": "0", "investor_id": "demo"}
        robot = (await client.post("/auth/keys", json=key)).json()["key"]
        shown = {"authorization": f"Bearer {robot}"}
        assert (await client.get("/auth/me", headers=shown)).json()["investor_id"] == made["investor_id"]


async def test_nobody_registers_as_somebody_who_is_there(app: FastAPI) -> None:
    async with stranger(app) as client:
        for name in ("demo", "DEMO", " demo ", "Admin", "admin\u00a0"):
            wanted = {"username": name, "password": "a-long-password"}
            assert (await client.post("/auth/register", json=wanted)).status_code == 409
        for name in ("demo\u200b", "ｄｅｍｏ", "d\u0435mo", "demo\0", "../demo", "demo'--", "", "a" * 40):
            wanted = {"username": name, "password": "a-long-password"}
            assert (await client.post("/auth/register", json=wanted)).status_code == 422
        for _ in range(5):
            await client.post("/auth/register", json={"username": "demo", "password": "a-long-password"})
        over = await client.post("/auth/register", json={"username": "zoe", "password": "a-long-password"})
        assert (over.status_code, over.json()["reason"]) == (429, "rate_limited")


@pytest.mark.parametrize(
    "path",
    [
        "/orders/..%2f..%2fadmin%2fusers",
        "/orders/../admin/users",
        "/orders//admin/users",
        "//admin/users",
        "/admin/users/",
        "/admin/users;/x",
        "/admin%2fusers",
        "/%61dmin/users",
        "/orders/%00",
        "/orders/%0d%0aSet-Cookie:%20a=b",
        "/orders/%ff%fe",
        "/orders/%27%20OR%201%3D1%20--",
        "/orders?status=open'%20OR%20'1'='1",
        "/orders?symbol=%00",
        "/orders?symbol=PETR4&symbol=VALE3",
        "/orders?limit=1e9",
        "/transactions?symbol=PETR4%27%3B%20DROP%20TABLE%20users%3B--",
        "/transactions?cursor=1-1-1%27",
        "/admin/audit?cursor=0%20OR%201=1",
        "/auth/keys/%27%20OR%201=1",
        "/assets/PETR4%2f..%2f..%2fadmin%2fusers",
        "/stream?symbols=%27,%22",
    ],
)
async def test_a_path_or_a_query_reaches_nothing_it_should_not(
    client: httpx.AsyncClient, app: FastAPI, path: str
) -> None:
    HistoryStore(app.state.services.config.database_url).prepare()
    for method in ("GET", "DELETE"):
        answer = await client.request(method, path)
        assert answer.status_code in {200, 307, 403, 404, 405, 422}, answer.text
        assert "set-cookie" not in answer.headers
        # What only an admin may read.
        assert "analyst" not in answer.text
    assert len(await app.state.identity.directory.everyone()) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 8_000,
        b"[" * 7_000 + b"]" * 7_000,
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
        b'{"password":' + b"[" * 3_000 + b"]" * 3_000 + b"}",
        b'{"username":"' + b"a" * 12_000 + b'"}',
        b'{"username":' + b"9" * 12_000 + b"}",
        b'{"username":{"$ne":null},"password":{"$ne":null}}',
        b'{"username":["demo"],"password":["demo-trader"]}',
        b'{"username":null}',
        b'{"__proto__":{"role":"admin"}}',
        b'"\\ud800"',
        b'{"username":"\\ud800","password":"\\ud800"}',
        b"\x00",
        b"",
        b"null",
        b"NaN",
    ],
)
async def test_no_body_breaks_a_route(client: httpx.AsyncClient, body: bytes) -> None:
    described = (await client.get("/openapi.json")).json()["paths"]
    for path, methods in described.items():
        for method in methods.keys() & {"post", "put", "patch"}:
            filled = path.format(symbol="PETR4", order_id="o", investor_id="demo", username="demo", name="n")
            if filled == "/auth/logout":  # reads no body
                continue
            answer = await client.request(method, filled, content=body, headers=JSON)
            assert answer.status_code in {400, 401, 403, 404, 415, 422, 429}, (path, answer.text)
            assert set(answer.json()) == {"reason", "message"}


@pytest.mark.parametrize("path", ["/auth/token", "/auth/session", "/auth/register", "/orders"])
async def test_a_body_too_large_is_not_read(client: httpx.AsyncClient, path: str) -> None:
    for headers in (JSON, {"content-type": "application/x-www-form-urlencoded"}):
        answer = await client.post(path, content=b"a" * 20_000, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (413, "payload_too_large")


async def test_a_body_that_trickles_in_is_given_up(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.middleware.BODY_TIMEOUT_S", 0.2)

    async def trickle() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.05)

    began_s = time.monotonic()
    answer = await client.post("/orders", content=trickle(), headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (408, "request_timeout")
    assert time.monotonic() - began_s < 2
