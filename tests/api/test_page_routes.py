"""What the page asks for besides the market: saved preferences, orders' lives, the system, the simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.daily_positions import DAY_MS
from api.history import executions
from api.identity import preferences
from api.live.candles import bucket_start
from engine.domain import Side
from tests.api.near_engine import NearEngine, RecordedEngine
from tests.api.people import sign_in, stranger

LIMIT_BUY = {"symbol": "PETR4", "side": "buy", "quantity": 300, "price": 9.0, "time_in_force": "gtc"}


@pytest.fixture
async def admin(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that the admin has signed in with."""
    async with stranger(app) as client:
        await sign_in(client, "admin")
        yield client


async def test_what_is_saved_is_one_s_own(app: FastAPI, client: httpx.AsyncClient) -> None:
    watchlist = {"symbols": ["PETR4", "VALE3"], "sort": ["change", -1]}
    assert (await client.put("/preferences/watchlist", json={"value": watchlist})).status_code == 204
    assert (await client.put("/preferences/confirm", json={"value": False})).status_code == 204
    assert (await client.put("/preferences/confirm", json={"value": True})).status_code == 204
    assert (await client.get("/preferences")).json() == {"watchlist": watchlist, "confirm": True}
    async with stranger(app) as other:
        assert (await other.get("/preferences")).status_code == 401
        await sign_in(other, "analyst")
        assert (await other.get("/preferences")).json() == {}


async def test_what_is_saved_is_bounded(client: httpx.AsyncClient) -> None:
    assert (await client.put("/preferences/big", json={"value": "x" * 8_191})).status_code == 422
    assert (await client.put("/preferences/big", json={"value": "x" * 8_190})).status_code == 204
    assert (await client.put("/preferences/Bad-Name", json={"value": 1})).status_code == 422
    assert (await client.put("/preferences/none", json={})).status_code == 422
    for number in range(preferences.NAMES_MAX - 1):
        assert (await client.put(f"/preferences/n{number}", json={"value": number})).status_code == 204
    refused = await client.put("/preferences/one_more", json={"value": 1})
    assert (refused.status_code, refused.json()["reason"]) == (422, "limit_exceeded")
    assert (await client.put("/preferences/n0", json={"value": "again"})).status_code == 204
    assert len((await client.get("/preferences")).json()) == preferences.NAMES_MAX


async def test_an_order_s_life_is_told_step_by_step(
    client: httpx.AsyncClient, recorded: RecordedEngine
) -> None:
    order_id = (await client.post("/orders", json=LIMIT_BUY)).json()["order_id"]
    await client.patch(f"/orders/{order_id}", json={"price": 9.5})
    await client.post("/orders", json=LIMIT_BUY | {"price": 8.0})
    for command in recorded.exchange.place("a-1", Side.SELL, 100, 9.5):
        recorded.services.view.apply([command])
    recorded._record()
    await client.delete(f"/orders/{order_id}")
    life = (await client.get("/executions", params={"order_id": order_id})).json()["executions"]
    assert [row["execution_type"] for row in reversed(life)] == ["new", "replaced", "trade", "canceled"]
    assert [row["status"] for row in reversed(life)] == ["new", "new", "partially_filled", "canceled"]
    fill = life[1]
    assert (fill["last_price"], fill["last_quantity"], fill["liquidity"]) == (9.5, 100, "maker")
    fills = (await client.get("/executions", params={"execution_type": "trade"})).json()["executions"]
    assert fills == [fill]
    assert (await client.get("/executions", params={"symbol": "VALE3"})).json()["executions"] == []
    assert all(name not in fill for name in ("investor_id", "shard"))


async def test_executions_come_in_pages_and_only_one_s_own(
    app: FastAPI, client: httpx.AsyncClient, recorded: RecordedEngine
) -> None:
    for number in range(5):
        await client.post("/orders", json=LIMIT_BUY | {"price": 8.0 + number / 100})
    recorded.exchange.place("a-1", Side.BUY, 10, 7.0)
    recorded._record()
    pages, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/executions", params=params)).json()
        pages.append([row["price"] for row in page["executions"]])
        if (cursor := page["next_cursor"]) is None:
            break
    assert pages == [[8.04, 8.03], [8.02, 8.01], [8.0]]
    assert (await client.get("/executions", params={"cursor": "x"})).json()["reason"] == "bad_cursor"
    async with stranger(app) as other:
        await sign_in(other, "analyst")
        assert (await other.get("/executions")).status_code == 403


async def test_looking_for_executions_that_takes_too_long_is_ended_with_a_word(
    client: httpx.AsyncClient, recorded: RecordedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.post("/orders", json=LIMIT_BUY)
    recorded._record()
    whole = executions._query

    def hanging(connection: Any, wanted: Any) -> Any:
        connection.exec_driver_sql(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 20000000) "
            "SELECT count(*) FROM n"
        ).all()
        return whole(connection, wanted)

    monkeypatch.setattr("api.history.reading._STEPS_BETWEEN_LOOKS", 100)
    monkeypatch.setattr(executions, "QUERY_MAX_S", 0.2)
    monkeypatch.setattr(executions, "_query", hanging)
    answer = await client.get("/executions")
    assert (answer.status_code, answer.json()["reason"]) == (422, "too_long")
    assert "start_ms" in answer.json()["message"]
    # The connection is as good as before for whoever has it next.
    monkeypatch.setattr(executions, "_query", whole)
    assert len((await client.get("/executions")).json()["executions"]) == 1


async def test_positions_are_told_as_each_day_left_them(
    client: httpx.AsyncClient, recorded: RecordedEngine
) -> None:
    exchange = recorded.exchange
    buy = {"symbol": "PETR4", "side": "buy", "quantity": 100, "price": 10.0}
    exchange.place("a-1", Side.SELL, 200, 10.0)
    await client.post("/orders", json=buy)
    # 23:59 and 00:01 in Brasília are two days, though UTC calls them one.
    exchange.time_ms = bucket_start(exchange.time_ms, DAY_MS) + DAY_MS - 60_000
    await client.post("/orders", json=buy)
    exchange.time_ms += 120_000
    exchange.place("a-2", Side.BUY, 50, 11.0)
    await client.post("/orders", json=buy | {"side": "sell", "quantity": 50, "price": 11.0})
    recorded._record()
    rows = (await client.get("/portfolio/positions")).json()
    today = bucket_start(exchange.time_ms, DAY_MS)
    assert [(row["day_ms"], row["quantity"], row["realized_profit"]) for row in rows] == [
        (today, 150, 50.0),
        (today - DAY_MS, 200, 0.0),
    ]
    async with stranger(client._transport.app) as other:  # type: ignore[attr-defined]
        await sign_in(other, "analyst")
        assert (await other.get("/portfolio/positions")).status_code == 403


async def test_an_admin_sees_what_is_behind(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, recorded: RecordedEngine
) -> None:
    status = (await admin.get("/admin/system")).json()
    parts = {part["name"]: part for part in status["parts"]}
    assert parts["recorder"]["lag_records"] == 0
    assert parts["engine"]["message"].startswith("its newest event is")
    assert status["symbols"] == 2
    recorded.services.view.positions = {"executions": 10**6}
    behind = (await admin.get("/admin/system")).json()
    [recorder] = [part for part in behind["parts"] if part["name"] == "recorder"]
    assert recorder["lag_records"] > 900_000
    assert (await client.get("/admin/system")).status_code == 403


async def test_an_admin_steers_the_simulator_and_it_is_noted(
    admin: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    assert (await admin.get("/admin/simulator")).json() == {"scenario": "normal", "rate": None, "since_ms": 0}
    wish = {"scenario": "flash_crash", "rate": 120.0}
    steered = await admin.put("/admin/simulator", json=wish)
    assert steered.status_code == 200
    assert (await admin.get("/admin/simulator")).json() == steered.json()
    assert steered.json() | wish == steered.json()
    [entry] = [
        row for row in (await admin.get("/admin/audit")).json()["entries"] if row["act"] == "steer_simulator"
    ]
    assert (entry["subject"], entry["detail"]) == ("flash_crash", {"rate": 120.0})
    assert (await admin.put("/admin/simulator", json={"scenario": "apocalypse"})).status_code == 422
    assert (await admin.put("/admin/simulator", json={"rate": 1e9})).status_code == 422
    assert (await client.put("/admin/simulator", json=wish)).status_code == 403


@pytest.mark.parametrize(
    "other",
    [
        {"quantity": 9},
        {"price": 9.99},
        {"side": "sell"},
        {"symbol": "VALE3"},
        {"time_in_force": "day"},
        {"type": "market", "price": None, "time_in_force": "ioc"},
        {"type": "stop_limit", "stop_price": 10.5},
        {"time_in_force": "gtd", "expires_at_ms": 9_999_999_999_999},
        {"display_quantity": 5},
        {"post_only": True},
        {"self_trade": "expire_maker"},
    ],
)
async def test_another_order_under_a_client_order_id_is_told_and_not_placed(
    client: httpx.AsyncClient, recorded: RecordedEngine, other: dict[str, object]
) -> None:
    order = {"symbol": "PETR4", "side": "buy", "quantity": 10, "price": 9.5, "time_in_force": "gtc"}
    order["client_order_id"] = "mine"
    placed = (await client.post("/orders", json=order)).json()
    await client.patch(f"/orders/{placed['order_id']}", json={"quantity": 6, "price": 9.6})
    taken = await client.post("/orders", json=order | other)
    assert (taken.status_code, taken.json()["reason"]) == (409, "duplicate_order_id")
    assert "buy 6 PETR4, which is new" in taken.json()["message"]
    again = await client.post("/orders", json=order)
    assert (again.status_code, again.json()["quantity"], again.json()["price"]) == (200, 6, 9.6)
    assert len((await client.get("/orders")).json()) == 1


async def test_whether_an_amended_order_is_the_same_only_the_history_can_tell(
    client: httpx.AsyncClient, engine: NearEngine
) -> None:
    order = {"symbol": "PETR4", "side": "buy", "quantity": 10, "price": 9.5, "client_order_id": "mine"}
    placed = (await client.post("/orders", json=order)).json()
    assert (await client.post("/orders", json=order)).status_code == 200
    await client.patch(f"/orders/{placed['order_id']}", json={"quantity": 6})
    unknown = await client.post("/orders", json=order)
    assert (unknown.status_code, unknown.json()["reason"]) == (503, "database_unavailable")
    assert (await client.post("/orders", json=order | {"side": "sell"})).status_code == 409
