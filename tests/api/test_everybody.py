"""Many investors at one API: each reads, changes and previews their own and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request

from api.dependencies import current_investor
from api.recorder.rows import BatchReader
from api.recorder.store import HistoryStore
from api.services import Services
from engine.domain import Cancel, OpenAccount, Side, TimeInForce
from engine.topics import BOOK
from tests.api.near_engine import NearEngine
from tests.api.people import stranger

ORDER = {"symbol": "PETR4", "side": "buy", "quantity": 10, "price": 10.0}


@pytest.fixture
async def people(app: FastAPI, engine: NearEngine) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """Give clients of which the API knows whose account each trades, however they signed in."""
    app.dependency_overrides[current_investor] = _named_by_the_test
    engine.services.view.apply(engine.exchange.run(OpenAccount(investor_id="cora")))
    async with stranger(app) as ana, stranger(app) as bia, stranger(app) as cora:
        clients = {"ana": ana, "bia": bia, "cora": cora}
        for name, client in clients.items():
            client.headers["x-test-investor"] = name
        yield clients


def _named_by_the_test(request: Request) -> str:
    return request.headers["x-test-investor"]


def record(app: FastAPI, engine: NearEngine) -> None:
    """Write all that the engine wrote to the history."""
    services: Services = app.state.services
    store = HistoryStore(services.config.database_url)
    store.prepare()
    store.write(BatchReader().batch([each for each in engine.exchange.records if each.topic != BOOK]))
    store.close()


async def test_everybody_lists_and_reads_their_own_orders(
    people: dict[str, httpx.AsyncClient], app: FastAPI, engine: NearEngine
) -> None:
    record(app, engine)
    placed = {}
    for name in ("ana", "bia"):
        placed[name] = (await people[name].post("/orders", json=ORDER | {"client_order_id": "mine"})).json()
    assert placed["ana"]["order_id"] != placed["bia"]["order_id"]
    for name, other in (("ana", "bia"), ("bia", "ana")):
        client, theirs = people[name], placed[other]["order_id"]
        assert (await client.get("/orders?status=all")).json() == [placed[name]]
        answers = [
            await client.get(f"/orders/{theirs}"),
            await client.delete(f"/orders/{theirs}"),
            await client.patch(f"/orders/{theirs}", json={"quantity": 1}),
        ]
        nobodys = await client.get("/orders/nobodys")
        for answer in answers:
            assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_order")
            assert answer.json()["message"].replace(theirs, "nobodys") == nobodys.json()["message"]
    canceled = (await people["ana"].delete("/orders")).json()
    assert [order["order_id"] for order in canceled] == [placed["ana"]["order_id"]]
    assert [order["status"] for order in (await people["bia"].get("/orders")).json()] == ["new"]


async def test_an_order_that_trades_with_anothers_tells_each_only_their_own(
    people: dict[str, httpx.AsyncClient],
) -> None:
    resting = (await people["ana"].post("/orders", json=ORDER | {"side": "sell"})).json()
    taken = await people["bia"].post("/orders", json=ORDER)
    assert (taken.status_code, taken.json()["status"]) == (201, "filled")
    assert resting["order_id"] not in taken.text
    assert (await people["ana"].get("/positions")).json()[0]["quantity"] == -10
    assert (await people["bia"].get("/positions")).json()[0]["quantity"] == 10
    assert (await people["cora"].get("/positions")).json() == []
    accounts = {name: (await client.get("/account")).json() for name, client in people.items()}
    assert {name: account["investor_id"] for name, account in accounts.items()} == {
        name: name for name in people
    }
    assert (accounts["ana"]["cash"], accounts["bia"]["cash"]) == (1_100.0, 900.0)


async def test_finished_orders_that_the_live_view_let_go_come_from_the_history(
    people: dict[str, httpx.AsyncClient], app: FastAPI, engine: NearEngine
) -> None:
    engine.services.view.orders._finished_of_investor_max = 2
    view = engine.services.view
    for number in range(6):
        engine.exchange.time_ms += 1
        view.apply(engine.exchange.place(f"ioc-{number}", Side.BUY, 1, 9.0, time_in_force=TimeInForce.IOC))
        view.apply(engine.exchange.place(f"gone-{number}", Side.BUY, 1, 9.0, investor_id="bia"))
        view.apply(engine.exchange.run(Cancel(order_id=f"gone-{number}", investor_id="bia")))
    engine.exchange.time_ms += 1
    view.apply(engine.exchange.place("open", Side.BUY, 1, 9.0))
    record(app, engine)
    for status, expected in (
        ("closed", [f"ioc-{number}" for number in (5, 4, 3, 2, 1, 0)]),
        ("all", ["open", *(f"ioc-{number}" for number in (5, 4, 3, 2, 1, 0))]),
        ("open", ["open"]),
    ):
        listed = (await people["ana"].get(f"/orders?status={status}")).json()
        assert [order["order_id"] for order in listed] == expected
        few = (await people["ana"].get(f"/orders?status={status}&limit=3")).json()
        assert [order["order_id"] for order in few] == expected[:3]
    assert (await people["ana"].get("/orders?status=closed&symbol=VALE3")).json() == []


async def test_a_preview_answers_for_the_caller_and_places_nothing(
    people: dict[str, httpx.AsyncClient], engine: NearEngine
) -> None:
    await people["ana"].post("/orders", json=ORDER | {"side": "sell", "quantity": 4})
    await people["ana"].post("/orders", json=ORDER | {"side": "sell", "quantity": 4, "price": 10.02})
    await people["ana"].post("/orders", json=ORDER | {"price": 9.98})
    records = len(engine.exchange.records)
    told = (await people["bia"].post("/orders/preview", json=ORDER | {"quantity": 9, "price": 10.02})).json()
    assert (told["filled_quantity"], told["resting_quantity"], told["would_be_refused"]) == (8, 1, None)
    assert (told["average_price"], told["worst_price"]) == (10.01, 10.02)
    assert (told["best_price"], told["slippage_to_best"]) == (10.0, 0.01)
    assert (told["mid_price"], told["slippage_to_mid"]) == (9.99, 0.02)
    assert (told["value"], told["held_cash"], told["needed_cash"]) == (80.08, 10.02, 90.18)
    assert (told["cash_after"], told["available_cash_after"]) == (919.92, 909.9)
    poor = (await people["cora"].post("/orders/preview", json=ORDER)).json()
    assert poor["would_be_refused"]["reason"] == "insufficient_cash"
    refused = await people["cora"].post("/orders", json=ORDER)
    assert refused.json() == poor["would_be_refused"]
    sale = (await people["ana"].post("/orders/preview", json=ORDER | {"side": "sell", "price": 9.0})).json()
    assert sale["filled_quantity"] == 0, "her own bid is in the way"
    unlisted = await people["ana"].post("/orders/preview", json=ORDER | {"symbol": "XXXX3"})
    assert (unlisted.status_code, unlisted.json()["reason"]) == (422, "unknown_symbol")
    assert len(engine.exchange.records) == records + 1


async def test_the_portfolio_is_the_callers_and_waits_for_the_recorder(
    people: dict[str, httpx.AsyncClient],
    app: FastAPI,
    engine: NearEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await people["ana"].post("/orders", json=ORDER | {"side": "sell"})
    await people["bia"].post("/orders", json=ORDER)
    engine.exchange.time_ms += 120_000
    await people["ana"].post("/orders", json=ORDER | {"price": 9.0})
    record(app, engine)
    for name, cash in (("ana", 1_100.0), ("bia", 900.0)):
        found = (await people[name].get("/portfolio/history?interval=1m")).json()
        assert [(p["cash"], p["equity"], p["net_deposits"]) for p in found["points"]] == [
            (cash, 1_000.0, 1_000.0)
        ] * 2
    assert (await people["cora"].get("/portfolio/history?interval=1m")).json()["points"][0]["equity"] == 0
    monkeypatch.setattr("api.services.RECORDER_TIMEOUT_S", 0.1)
    await people["bia"].post("/orders", json=ORDER)
    behind = await people["ana"].get("/portfolio/history")
    assert (behind.status_code, behind.json()["reason"]) == (503, "database_unavailable")
    for query, reason in (
        ("interval=1s", "bad_interval"),
        ("start_ms=2&end_ms=1", "bad_range"),
        ("limit=0", "malformed"),
    ):
        answer = await people["ana"].get(f"/portfolio/history?{query}")
        assert (answer.status_code, answer.json()["reason"]) == (422, reason)
