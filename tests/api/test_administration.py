"""What admins do: assets, phases, everybody's money, users; what traders do with their own; and the audit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from engine.domain import Phase
from tests.api.near_engine import NearEngine
from tests.api.people import PASSWORDS, sign_in, stranger

NEW_ASSET = {
    "symbol": "WEGE3",
    "name": "WEG ON",
    "tick_size": 0.01,
    "lot_size": 1,
    "reference_price": 52.4,
    "price_band": 0.1,
}


@pytest.fixture
async def admin(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that the admin has signed in with."""
    async with stranger(app) as client:
        await sign_in(client, "admin")
        yield client


async def audit(admin: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Read the audit, newest first."""
    entries: list[dict[str, Any]] = (await admin.get("/admin/audit")).json()["entries"]
    return entries


async def test_an_admin_lists_an_asset_and_sets_its_phase(
    admin: httpx.AsyncClient, engine: NearEngine
) -> None:
    listed = await admin.post("/admin/assets", json=NEW_ASSET)
    assert (listed.status_code, listed.json()["status"]) == (200, "done")
    assert (await admin.get("/assets/WEGE3")).json()["reference_price"] == 52.4
    halted = await admin.put("/admin/assets/WEGE3/phase", json={"phase": "halted"})
    assert halted.status_code == 200
    assert engine.services.view.assets["WEGE3"].phase is Phase.HALTED
    assert [
        (row["act"], row["actor"], row["subject"], row["outcome"]) for row in (await audit(admin))[:2]
    ] == [
        ("set_phase", "admin", "WEGE3", "done"),
        ("list_asset", "admin", "WEGE3", "done"),
    ]


async def test_what_the_engine_refuses_is_told_and_noted(admin: httpx.AsyncClient) -> None:
    await admin.post("/admin/assets", json=NEW_ASSET)
    refused = await admin.post("/admin/assets", json=NEW_ASSET | {"tick_size": 0.05})
    assert (refused.status_code, refused.json()["reason"]) == (422, "bad_asset")
    too_much = await admin.post("/admin/accounts/demo/withdrawals", json={"symbol": "PETR4"})
    assert (too_much.status_code, too_much.json()["reason"]) == (422, "malformed")
    assert [row["outcome"] for row in (await audit(admin))[:2]] == ["malformed", "bad_asset"]


async def test_an_admin_pays_in_and_out_for_anybody(
    admin: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    before = (await client.get("/account")).json()["cash"]
    paid = await admin.post("/admin/accounts/demo/deposits", json={"cash": 250.5})
    assert (paid.status_code, (await client.get("/account")).json()["cash"]) == (200, before + 250.5)
    await admin.post("/admin/accounts/demo/deposits", json={"symbol": "PETR4", "quantity": 7})
    assert [row["quantity"] for row in (await client.get("/positions")).json()] == [7]
    await admin.post("/admin/accounts/demo/withdrawals", json={"cash": 0.5})
    assert (await client.get("/account")).json()["cash"] == before + 250
    [withdrawn, _, paid_in] = (await audit(admin))[:3]
    assert (withdrawn["act"], withdrawn["detail"]["cash_units"]) == ("withdraw", 5_000)
    assert (paid_in["act"], paid_in["subject"]) == ("deposit", "demo")


async def test_a_transfer_sent_again_with_its_key_is_done_once(
    admin: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    before = (await client.get("/account")).json()["cash"]

    async def send(who: httpx.AsyncClient, way: str, key: str, **what: object) -> tuple[int, str]:
        answer = await who.post(way, json=what, headers={"Idempotency-Key": key})
        return answer.status_code, answer.json().get("reason") or answer.json()["status"]

    of_admin = "/admin/accounts/demo/deposits"
    for _ in range(3):
        assert await send(client, "/account/deposits", "a", cash=100) == (200, "done")
        assert await send(client, "/account/withdrawals", "b", cash=30) == (200, "done")
        assert await send(admin, of_admin, "c", cash=5) == (200, "done")
        assert await send(admin, of_admin, "d", symbol="PETR4", quantity=7) == (200, "done")
    assert await send(client, "/account/deposits", "a", cash=101) == (422, "duplicate_transfer_id")
    assert await send(client, "/account/withdrawals", "a", cash=100) == (422, "duplicate_transfer_id")
    assert await send(admin, of_admin, "c", symbol="PETR4", quantity=7) == (422, "duplicate_transfer_id")
    assert await send(admin, "/admin/accounts/ana/deposits", "c", cash=5) == (200, "done")
    assert (await client.get("/account")).json()["cash"] == before + 75
    assert [row["quantity"] for row in (await client.get("/positions")).json()] == [7]
    assert await send(client, "/account/deposits", "x" * 256, cash=1) == (422, "malformed")


async def test_an_admin_limits_an_account_and_stops_its_trading(
    admin: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    order = {"symbol": "PETR4", "side": "buy", "quantity": 10, "price": 9.0}
    resting = (await client.post("/orders", json=order)).json()
    limited = await admin.put("/admin/accounts/demo/limits", json={"order_value_max": 50.5})
    assert (limited.status_code, limited.json()["status"]) == (200, "done")
    refused = await client.post("/orders", json=order)
    assert (refused.status_code, refused.json()["reason"]) == (422, "limit_exceeded")
    await admin.put("/admin/accounts/demo/limits", json={})
    stopped = await admin.put("/admin/accounts/demo/kill-switch", json={"on": True})
    assert stopped.status_code == 200
    assert (await client.get(f"/orders/{resting['order_id']}")).json()["status"] == "canceled"
    refused = await client.post("/orders", json=order)
    assert (refused.status_code, refused.json()["reason"]) == (422, "trading_disabled")
    await admin.put("/admin/accounts/demo/kill-switch", json={"on": False})
    assert (await client.post("/orders", json=order)).status_code == 201
    assert [row["act"] for row in (await audit(admin))[:4]] == [
        "kill_switch",
        "kill_switch",
        "set_limits",
        "set_limits",
    ]
    unexact = await admin.post("/admin/assets", json=NEW_ASSET | {"maker_fee_bps": 1.005})
    assert (unexact.status_code, unexact.json()["reason"]) == (422, "malformed")


async def test_an_act_is_noted_even_if_nobody_knows_how_it_came_out(
    admin: httpx.AsyncClient, engine: NearEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.away = True
    unknown = await admin.post("/admin/accounts/demo/deposits", json={"cash": 1})
    assert (unknown.status_code, unknown.json()["reason"]) == (503, "broker_unavailable")
    engine.away, engine.silent = False, True
    monkeypatch.setattr("api.acts.ANSWER_TIMEOUT_MS", 1)
    pending = await admin.post("/admin/accounts/demo/deposits", json={"cash": 1})
    assert (pending.status_code, pending.json()["status"]) == (202, "pending")
    assert [row["outcome"] for row in (await audit(admin))[:2]] == ["pending", "unknown"]


async def test_nothing_is_done_to_the_market_that_cannot_be_noted(
    admin: httpx.AsyncClient, app: FastAPI, engine: NearEngine
) -> None:
    offset = engine.exchange.offset
    with app.state.identity.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE audit RENAME TO hidden")
    refused = await admin.post("/admin/accounts/demo/deposits", json={"cash": 1})
    assert (refused.status_code, refused.json()["reason"]) == (503, "database_unavailable")
    assert engine.exchange.offset == offset


async def test_a_trader_opens_the_own_account_and_plays_with_play_money(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    again = await client.post("/account")
    assert (again.status_code, again.json()["reason"]) == (422, "duplicate_investor")
    before = (await client.get("/account")).json()["cash"]
    assert (await client.post("/account/deposits", json={"cash": 100})).status_code == 200
    assert (await client.post("/account/withdrawals", json={"cash": 40})).status_code == 200
    assert (await client.get("/account")).json()["cash"] == before + 60
    too_much = await client.post("/account/deposits", json={"cash": 1_000_001})
    assert too_much.status_code == 422
    for _ in range(8):
        assert (await client.post("/account/deposits", json={"cash": 1})).status_code == 200
    often = await client.post("/account/deposits", json={"cash": 1})
    assert (often.status_code, often.json()["reason"]) == (429, "rate_limited")
    app.state.identity.with_demo = False
    for way in ("deposits", "withdrawals"):
        refused = await client.post(f"/account/{way}", json={"cash": 1})
        assert (refused.status_code, refused.json()["reason"]) == (403, "forbidden")


async def test_an_admin_manages_users(admin: httpx.AsyncClient, app: FastAPI) -> None:
    wanted = {"username": "rui", "password": "a-long-password", "role": "trader", "investor_id": "rui-1"}
    made = await admin.post("/admin/users", json=wanted)
    assert (made.status_code, made.json()["investor_id"]) == (201, "rui-1")
    assert "password" not in made.text
    taken = await admin.post("/admin/users", json=wanted | {"username": "rua"})
    assert (taken.status_code, taken.json()["reason"]) == (409, "already_taken")
    await _the_house_is_refused(admin)
    names = [user["username"] for user in (await admin.get("/admin/users")).json()]
    assert names == ["admin", "analyst", "demo", "rui"]
    async with stranger(app) as rui:
        await sign_in(rui, "rui", "a-long-password")
        key = (await rui.post("/auth/keys", json={"name": "robot"})).json()["key"]
        promoted = await admin.patch("/admin/users/rui", json={"role": "analyst"})
        assert (promoted.json()["role"], promoted.json()["investor_id"]) == ("analyst", "rui-1")
        assert (await rui.get("/orders")).status_code == 403
        await admin.patch("/admin/users/rui", json={"role": "trader"})
        assert (await rui.get("/orders")).status_code == 200
        await admin.patch("/admin/users/rui", json={"password": "quite-another-one"})
        assert (await rui.get("/auth/me")).status_code == 401
        assert (await rui.get("/auth/me", headers={"authorization": f"Bearer {key}"})).status_code == 401
        await sign_in(rui, "rui", "quite-another-one")
        await admin.patch("/admin/users/rui", json={"disabled": True})
        assert (await rui.get("/auth/me")).status_code == 401
        form = {"grant_type": "password", "username": "rui", "password": "quite-another-one"}
        assert (await rui.post("/auth/token", data=form)).status_code == 403
    assert (await admin.patch("/admin/users/nobody", json={"disabled": True})).status_code == 404
    assert "quite-another-one" not in (await admin.get("/admin/audit")).text


async def _the_house_is_refused(admin: httpx.AsyncClient) -> None:
    wanted = {"username": "rua", "password": "a-long-password", "role": "trader", "investor_id": "house"}
    made = await admin.post("/admin/users", json=wanted)
    changed = await admin.patch("/admin/users/rui", json={"investor_id": "house"})
    assert {(each.status_code, each.json()["reason"]) for each in (made, changed)} == {
        (422, "reserved_account")
    }


async def test_the_last_admin_stays(admin: httpx.AsyncClient) -> None:
    for change in ({"disabled": True}, {"role": "trader"}):
        refused = await admin.patch("/admin/users/admin", json=change)
        assert (refused.status_code, refused.json()["reason"]) == (422, "last_admin")
    wanted = {"username": "boss", "password": "a-long-password", "role": "admin"}
    assert (await admin.post("/admin/users", json=wanted)).status_code == 201
    assert (await admin.patch("/admin/users/admin", json={"disabled": True})).status_code == 200


@pytest.mark.parametrize("username", ["demo", "analyst"])
async def test_only_an_admin_administers(app: FastAPI, engine: NearEngine, username: str) -> None:
    offset = engine.exchange.offset
    async with stranger(app) as client:
        await sign_in(client, username)
        described = (await client.get("/openapi.json")).json()["paths"]
        routes = [
            (method, path)
            for path, methods in described.items()
            for method in methods
            if path.startswith("/admin")
        ]
        assert len(routes) >= 9
        for method, path in routes:
            filled = path.format(symbol="PETR4", investor_id="demo", username="demo")
            answer = await client.request(method, filled, json={"role": "admin", "cash": 1})
            assert (answer.status_code, answer.json()["reason"]) == (403, "forbidden"), path
    assert engine.exchange.offset == offset


async def test_an_analyst_sees_the_market_and_trades_nothing(app: FastAPI, engine: NearEngine) -> None:
    offset = engine.exchange.offset
    async with stranger(app) as client:
        await sign_in(client, "analyst")
        for path in ("/assets", "/book/PETR4", "/trades/PETR4", "/candles/PETR4"):
            assert (await client.get(path)).status_code == 200
        order = {"symbol": "PETR4", "side": "buy", "quantity": 1, "price": 10.0}
        for method, path in (
            ("POST", "/orders"),
            ("GET", "/orders"),
            ("GET", "/orders/o"),
            ("DELETE", "/orders"),
            ("POST", "/account"),
            ("GET", "/account"),
            ("GET", "/stream/account"),
        ):
            answer = await client.request(method, path, json=order)
            assert (answer.status_code, answer.json()["reason"]) == (403, "forbidden"), path
            assert answer.json()["message"].endswith(".")
    assert engine.exchange.offset == offset


async def test_the_audit_tells_of_sign_ins_and_failures_page_by_page(
    admin: httpx.AsyncClient, app: FastAPI
) -> None:
    async with stranger(app, address="203.0.113.9") as client:
        await sign_in(client, "demo")
        await client.post("/auth/logout")
        form = {"grant_type": "password", "username": "demo", "password": "a wrong one"}
        await client.post("/auth/token", data=form)
        await client.post("/auth/token", data=form | {"username": "hunter2-typed-as-a-name"})
    first = (await admin.get("/admin/audit?limit=2")).json()
    rest = (await admin.get(f"/admin/audit?cursor={first['next_cursor']}")).json()
    assert rest["next_cursor"] is None
    rows = first["entries"] + rest["entries"]
    assert [(row["act"], row["actor"], row["outcome"], row["address"]) for row in rows] == [
        ("sign_in", "", "wrong_password", "203.0.113.9"),
        ("sign_in", "demo", "wrong_password", "203.0.113.9"),
        ("sign_out", "demo", "done", "203.0.113.9"),
        ("sign_in", "demo", "done", "203.0.113.9"),
        ("sign_in", "admin", "done", "127.0.0.1"),
    ]
    assert "hunter2" not in str(rows)
    assert PASSWORDS["demo"] not in str(rows)
