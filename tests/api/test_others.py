"""Two people on one API: neither sees, changes or is told of what is the other's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from api.recorder.store import HistoryStore
from tests.api.near_engine import NearEngine
from tests.api.people import sign_in, stranger

ORDER = {"symbol": "PETR4", "side": "buy", "quantity": 3, "price": 10.0}


@pytest.fixture
async def zoe(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of a second trader, with an account of her own and money in it."""
    HistoryStore(app.state.services.config.database_url).prepare()
    async with stranger(app) as client:
        await client.post("/auth/register", json={"username": "zoe", "password": "a-long-password"})
        await sign_in(client, "zoe", "a-long-password")
        assert (await client.get("/account")).status_code == 404
        assert (await client.post("/account")).status_code == 201
        assert (await client.post("/account/deposits", json={"cash": 500})).status_code == 200
        yield client


async def test_anothers_order_can_be_neither_read_nor_amended_nor_canceled(
    client: httpx.AsyncClient, zoe: httpx.AsyncClient, engine: NearEngine
) -> None:
    placed = (await client.post("/orders", json=ORDER)).json()
    order_id = placed["order_id"]
    for name in (order_id, "there-is-none"):
        attempts = [
            await zoe.get(f"/orders/{name}"),
            await zoe.patch(f"/orders/{name}", json={"quantity": 1}),
            await zoe.delete(f"/orders/{name}"),
        ]
        assert [(got.status_code, got.json()["reason"]) for got in attempts] == [(404, "unknown_order")] * 3
        # The same words for an order that is another's and for one that is not there.
        assert {got.text.replace(name, "") for got in attempts} == {attempts[0].text.replace(name, "")}
    assert (await zoe.delete("/orders")).json() == []
    assert (await zoe.get("/orders?status=all")).json() == []
    assert (await client.get("/orders")).json() == [placed]
    assert engine.exchange.shard.order(order_id) is not None


async def test_everybody_has_an_account_of_their_own(
    client: httpx.AsyncClient, zoe: httpx.AsyncClient
) -> None:
    mine, hers = (await client.get("/account")).json(), (await zoe.get("/account")).json()
    assert (mine["investor_id"], hers["cash"]) == ("demo", 500)
    assert hers["investor_id"] not in {"demo", "zoe"}
    await zoe.post("/account/withdrawals", json={"cash": 100})
    assert (await client.get("/account")).json() == mine
    too_much = await zoe.post("/account/withdrawals", json={"cash": 401})
    assert (too_much.status_code, too_much.json()["reason"]) == (422, "insufficient_cash")
    rich = await zoe.post("/orders", json=ORDER | {"quantity": 1_000})
    assert (rich.status_code, rich.json()["reason"]) == (422, "insufficient_cash")
    assert (await zoe.post("/account")).json()["reason"] == "duplicate_investor"


async def test_the_same_client_order_id_of_two_people_is_two_orders(
    client: httpx.AsyncClient, zoe: httpx.AsyncClient
) -> None:
    order = ORDER | {"client_order_id": "mine"}
    first, second = await client.post("/orders", json=order), await zoe.post("/orders", json=order)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["order_id"] != second.json()["order_id"]
    assert (await zoe.post("/orders", json=order)).json()["order_id"] == second.json()["order_id"]


async def test_an_admins_acts_reach_the_account_that_they_name_and_no_other(
    client: httpx.AsyncClient, app: FastAPI, zoe: httpx.AsyncClient
) -> None:
    account = (await zoe.get("/auth/me")).json()["investor_id"]
    async with stranger(app) as admin:
        await sign_in(admin, "admin")
        await admin.post(f"/admin/accounts/{account}/deposits", json={"cash": 1_000})
        assert (await zoe.get("/account")).json()["cash"] == 1_500
        await admin.put(f"/admin/accounts/{account}/limits", json={"order_value_max": 20.0})
        await admin.put(f"/admin/accounts/{account}/kill-switch", json={"on": True})
    for person, status in ((zoe, 422), (client, 201)):
        assert (await person.post("/orders", json=ORDER)).status_code == status
    assert (await zoe.get("/account")).json()["trading_disabled"]
    assert not (await client.get("/account")).json()["trading_disabled"]
