"""The routes over the real engine's records, with the engine in the same process instead of behind Kafka."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.live.view import LiveView
from api.recorder.rows import BatchReader
from api.recorder.store import HistoryStore
from api.services import Services
from engine.domain import Side
from engine.topics import BOOK
from tests.api.exchange import ME, Exchange
from tests.api.near_engine import NearEngine

ORDER = {"symbol": "PETR4", "side": "buy", "quantity": 10, "price": 10.0}
JSON = {"content-type": "application/json"}


def sell(engine: NearEngine, quantity: int, price: float) -> None:
    """Let somebody else offer shares."""
    records = engine.exchange.place(f"s-{engine.exchange.offset}", Side.SELL, quantity, price)
    engine.services.view.apply(records)


async def test_an_order_comes_back_as_the_engine_left_it(
    client: httpx.AsyncClient, engine: NearEngine
) -> None:
    sell(engine, 4, 9.99)
    sell(engine, 3, 10.0)
    answer = await client.post("/orders", json=ORDER)
    order = answer.json()
    assert answer.status_code == 201
    assert (order["status"], order["filled_quantity"], order["remaining_quantity"]) == (
        "partially_filled",
        7,
        3,
    )
    assert order["average_price"] == pytest.approx((4 * 9.99 + 3 * 10) / 7)
    assert (await client.get(f"/orders/{order['order_id']}")).json() == order
    assert (await client.get("/orders")).json() == [order]


async def test_a_refused_order_says_why(client: httpx.AsyncClient) -> None:
    answer = await client.post("/orders", json=ORDER | {"price": 10.005})
    assert (answer.status_code, answer.json()["reason"]) == (422, "bad_price")
    assert "tick" in answer.json()["message"]


async def test_the_same_client_order_id_is_one_order(client: httpx.AsyncClient, engine: NearEngine) -> None:
    first = await client.post("/orders", json=ORDER | {"client_order_id": "mine"})
    sell(engine, 4, 10.0)
    again = await client.post("/orders", json=ORDER | {"client_order_id": "mine"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["order_id"] == first.json()["order_id"]
    assert again.json()["filled_quantity"] == 4
    assert len((await client.get("/orders?status=all")).json()) == 1
    other = await client.post("/orders", json=ORDER | {"client_order_id": "other"})
    assert other.json()["order_id"] != first.json()["order_id"]


async def test_an_order_that_only_the_history_knows_is_found(
    client: httpx.AsyncClient, engine: NearEngine, app: FastAPI
) -> None:
    placed = (await client.post("/orders", json=ORDER | {"client_order_id": "mine"})).json()
    services: Services = app.state.services
    store = HistoryStore(services.config.database_url)
    store.prepare()
    store.write(BatchReader().batch([record for record in engine.exchange.records if record.topic != BOOK]))
    store.close()
    services.follower.view = LiveView(books_from_start=True)
    services.view.apply(Exchange().open())
    assert (await client.get(f"/orders/{placed['order_id']}")).json() == placed
    again = await client.post("/orders", json=ORDER | {"client_order_id": "mine"})
    assert (again.status_code, again.json()) == (200, placed)


async def test_amending_and_canceling(client: httpx.AsyncClient, engine: NearEngine) -> None:
    order_id = (await client.post("/orders", json=ORDER)).json()["order_id"]
    amended = await client.patch(f"/orders/{order_id}", json={"quantity": 6, "price": 9.5})
    assert (amended.status_code, amended.json()["quantity"], amended.json()["price"]) == (200, 6, 9.5)
    refused = await client.patch(f"/orders/{order_id}", json={"price": 9.501})
    assert (refused.status_code, refused.json()["reason"]) == (422, "bad_price")
    canceled = await client.delete(f"/orders/{order_id}")
    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    again = await client.delete(f"/orders/{order_id}")
    assert (again.status_code, "canceled" in again.json()["message"]) == (422, True)
    assert (await client.get("/orders?status=closed")).json() == [canceled.json()]


async def test_canceling_all_orders_of_a_symbol_and_of_all(client: httpx.AsyncClient) -> None:
    for symbol in ("PETR4", "VALE3", "PETR4"):
        await client.post("/orders", json=ORDER | {"symbol": symbol})
    petr4 = (await client.delete("/orders?symbol=PETR4")).json()
    assert [(order["symbol"], order["status"]) for order in petr4] == [("PETR4", "canceled")] * 2
    assert [order["symbol"] for order in (await client.delete("/orders")).json()] == ["VALE3"]
    nothing_left = await client.delete("/orders")
    assert (nothing_left.status_code, nothing_left.json()) == (200, [])


async def test_anothers_order_is_not_there(
    client: httpx.AsyncClient, engine: NearEngine, app: FastAPI
) -> None:
    HistoryStore(app.state.services.config.database_url).prepare()
    engine.services.view.apply(engine.exchange.place("theirs", Side.BUY, 5, 9.0))
    answers = [
        await client.get("/orders/theirs"),
        await client.delete("/orders/theirs"),
        await client.patch("/orders/theirs", json={"quantity": 1}),
    ]
    assert [(answer.status_code, answer.json()["reason"]) for answer in answers] == [
        (404, "unknown_order")
    ] * 3
    assert engine.exchange.shard.order("theirs") is not None


async def test_without_an_answer_in_time_the_order_is_pending(
    client: httpx.AsyncClient, engine: NearEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.trading.ANSWER_TIMEOUT_MS", 1)
    engine.silent = True
    answer = await client.post("/orders", json=ORDER)
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert answer.json()["order_id"]


async def test_a_broker_that_is_away_makes_the_outcome_unknown(
    client: httpx.AsyncClient, engine: NearEngine
) -> None:
    engine.away = True
    answer = await client.post("/orders", json=ORDER)
    assert (answer.status_code, answer.json()["reason"]) == (503, "broker_unavailable")
    assert "GET /orders" in answer.json()["message"]


@pytest.mark.parametrize(
    ("changed", "status", "reason"),
    [
        ({"quantity": 1.5}, 422, "bad_quantity"),
        ({"quantity": -1}, 422, "bad_quantity"),
        ({"quantity": 0}, 422, "bad_quantity"),
        ({"quantity": 10**30}, 422, "bad_quantity"),
        ({"quantity": "10"}, 422, "bad_quantity"),
        ({"quantity": True}, 422, "bad_quantity"),
        ({"price": -1}, 422, "bad_price"),
        ({"price": 1e300}, 422, "bad_price"),
        ({"price": float("nan")}, 422, "bad_price"),
        ({"price": float("inf")}, 422, "bad_price"),
        ({"price": 10.00001}, 422, "bad_price"),
        ({"price": None}, 422, "bad_price"),
        ({"symbol": "XXXX3"}, 422, "unknown_symbol"),
        ({"symbol": "petr4'; --"}, 422, "malformed"),
        ({"side": "hold"}, 422, "malformed"),
        ({"order_id": ""}, 422, "malformed"),
        ({"order_id": "a" * 65}, 422, "malformed"),
        ({"order_id": "a\nb"}, 422, "malformed"),
        ({"order_id": "a", "client_order_id": "b"}, 422, "malformed"),
        ({"time_in_force": "ever"}, 422, "malformed"),
    ],
)
async def test_a_bad_order_is_refused_with_its_reason(
    client: httpx.AsyncClient, changed: dict[str, Any], status: int, reason: str
) -> None:
    answer = await client.post("/orders", content=json.dumps(ORDER | changed), headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert set(answer.json()) == {"reason", "message"}
    assert (await client.get("/orders")).json() == []


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b'{"symbol":', JSON, 400),
        (b"\xff\xfe", JSON, 400),
        (b"[" * 10_000, JSON, 400),
        (b"[]", JSON, 422),
        (b"", JSON, 422),
        (b'{"quantity":' + b"1" * 5_000 + b"}", JSON, 400),
        (json.dumps(ORDER).encode(), {"content-type": "text/plain"}, 415),
        (json.dumps(ORDER).encode(), {}, 415),
        (b" " * 20_000, JSON, 413),
        (json.dumps(ORDER).encode(), JSON | {"origin": "http://evil.example"}, 403),
        (json.dumps(ORDER).encode(), JSON | {"host": "evil.example"}, 400),
    ],
)
async def test_a_bad_request_is_refused(
    client: httpx.AsyncClient, content: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await client.post("/orders", content=content, headers=headers)
    assert answer.status_code == status
    assert set(answer.json()) == {"reason", "message"}
    assert (await client.get("/orders")).json() == []


async def test_a_body_that_does_not_tell_its_length_is_bounded_too(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 1_000

    answer = await client.post("/orders", content=chunks(), headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (413, "payload_too_large")


async def test_deleting_from_a_foreign_page_is_refused_and_from_the_dashboard_not(
    client: httpx.AsyncClient,
) -> None:
    await client.post("/orders", json=ORDER)
    foreign = await client.delete("/orders", headers={"origin": "http://evil.example"})
    assert foreign.status_code == 403
    assert len((await client.get("/orders")).json()) == 1
    own = await client.delete("/orders", headers={"origin": "http://localhost:8501"})
    assert (own.status_code, own.headers["access-control-allow-origin"]) == (200, "http://localhost:8501")


async def test_only_the_dashboards_pages_may_read(client: httpx.AsyncClient) -> None:
    foreign = await client.get("/assets", headers={"origin": "http://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/assets/XXXX3", 404, "unknown_symbol"),
        ("/book/XXXX3", 404, "unknown_symbol"),
        ("/book/PETR4?levels=0", 422, "malformed"),
        ("/book/PETR4?levels=99999999999999999999", 422, "malformed"),
        ("/trades/PETR4?limit=1001", 422, "malformed"),
        ("/trades/PETR4?limit=NaN", 422, "malformed"),
        ("/candles/PETR4?interval=2m", 422, "bad_interval"),
        ("/candles/PETR4?start_ms=-1", 422, "malformed"),
        ("/candles/PETR4?start_ms=2&end_ms=1", 422, "bad_range"),
        ("/candles/PETR4?end_ms=1e400", 422, "malformed"),
        ("/orders?status=some", 422, "malformed"),
        ("/orders?symbol=XXXX3", 404, "unknown_symbol"),
        ("/transactions?cursor=1-2", 422, "bad_cursor"),
        ("/transactions?symbol=';", 422, "malformed"),
        ("/transactions?start_ms=2&end_ms=1", 422, "bad_range"),
        ("/transactions?format=xlsx", 422, "malformed"),
        ("/transactions?symbol=XXXX3", 404, "unknown_symbol"),
        ("/transactions?limit=1001", 422, "bad_limit"),
        ("/transactions?format=csv&limit=100000001", 422, "malformed"),
        ("/transactions?price_min=2&price_max=1", 422, "bad_range"),
        ("/transactions?price_min=nan", 422, "malformed"),
        ("/transactions?side=long", 422, "malformed"),
        ("/transactions?format=parquet&cursor=1-2-x", 422, "bad_cursor"),
        ("/candles/PETR4?limit=5001", 422, "malformed"),
        ("/stream?symbols=XXXX3", 404, "unknown_symbol"),
        ("/stream?symbols=,", 422, "malformed"),
        ("/stream?channels=candles:2m", 422, "bad_channel"),
        ("/stream?channels=,", 422, "bad_channel"),
        ("/nowhere", 404, "not_found"),
    ],
)
async def test_a_bad_question_is_answered_with_its_reason(
    client: httpx.AsyncClient, path: str, status: int, reason: str
) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert set(answer.json()) == {"reason", "message"}


async def test_market_data_names_no_investor_and_no_order(
    client: httpx.AsyncClient, engine: NearEngine
) -> None:
    sell(engine, 4, 10.0)
    await client.post("/orders", json=ORDER | {"client_order_id": "mine"})
    for path in ("/assets", "/assets/PETR4", "/book/PETR4", "/trades/PETR4", "/candles/PETR4"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert not any(word in answer.text for word in ("ana", ME, "order_id", "mine", "s-"))


async def test_trades_come_newest_first_and_books_best_first(
    client: httpx.AsyncClient, engine: NearEngine
) -> None:
    for price in (10.0, 10.01, 10.02):
        sell(engine, 1, price)
    await client.post("/orders", json=ORDER | {"price": 10.01})
    trades = (await client.get("/trades/PETR4?limit=2")).json()
    assert [trade["price"] for trade in trades] == [10.01, 10.0]
    book = (await client.get("/book/PETR4")).json()
    assert (book["bids"], book["asks"]) == ([[10.01, 8, 1]], [[10.02, 1, 1]])


_OF_HISTORY = (
    "/transactions",
    "/transactions?format=csv",
    "/transactions?format=parquet",
    "/transactions?mine=true",
    "/executions",
    "/portfolio/history?interval=1d",
    "/portfolio/positions",
    "/orders/of-long-ago",
    "/orders?status=all",
)


async def test_without_its_database_the_history_is_unavailable_and_the_market_goes_on(
    client: httpx.AsyncClient, app: FastAPI, engine: NearEngine, tmp_path: Path
) -> None:
    services: Services = app.state.services
    await asyncio.to_thread((tmp_path / "history.sqlite").write_bytes, b"no database at all" * 1_000)
    services.view.orders.begin([])
    sell(engine, 4, 10.0)
    for path in _OF_HISTORY:
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["reason"]) == (503, "database_unavailable"), path
        assert int(answer.headers["Retry-After"]) > 0
    placed = await client.post("/orders", json=ORDER)
    assert (placed.status_code, placed.json()["filled_quantity"]) == (201, 4)
    for live in ("/book/PETR4", "/trades/PETR4", "/candles/PETR4", "/account", "/positions", "/orders"):
        assert (await client.get(live)).status_code == 200


async def test_history_pages_give_every_trade_once_newest_first(
    client: httpx.AsyncClient, engine: NearEngine, app: FastAPI
) -> None:
    for number in range(7):
        sell(engine, 1, 10.0)
        engine.exchange.time_ms += 1_000
        await client.post("/orders", json=ORDER | {"quantity": 1, "order_id": f"b-{number}"})
    store = HistoryStore(app.state.services.config.database_url)
    store.prepare()
    store.write(BatchReader().batch([record for record in engine.exchange.records if record.topic != BOOK]))
    store.close()
    cursor, found = "", []
    while cursor is not None:
        page = (await client.get(f"/transactions?limit=3&symbol=PETR4{cursor}")).json()
        found += page["transactions"]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert found == (await client.get("/trades/PETR4")).json()
    times = [trade["time_ms"] for trade in found]
    some = (await client.get(f"/transactions?start_ms={times[4]}&end_ms={times[2]}")).json()["transactions"]
    assert [trade["time_ms"] for trade in some] == times[2:5]


async def test_a_history_that_is_not_there_is_told(client: httpx.AsyncClient) -> None:
    answer = await client.get("/transactions")
    assert (answer.status_code, answer.json()["reason"]) == (503, "database_unavailable")


async def test_openapi_describes_every_route_with_its_errors(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            assert route["summary"], path
            good = [status for status in route["responses"] if status.startswith("2") and status != "204"]
            assert all(route["responses"][status].get("content") for status in good), (path, method)
            if path not in {"/health", "/metrics"}:
                assert "503" in route["responses"], (path, method)
    assert described["paths"]["/orders"]["post"]["responses"]["422"]["content"]["application/json"][
        "schema"
    ] == {"$ref": "#/components/schemas/Failure"}
