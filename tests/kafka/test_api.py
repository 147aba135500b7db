"""The API's whole path: HTTP, Kafka, the engine, and back on the stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import structlog
from aiokafka import AIOKafkaConsumer

from api import server
from api.config import ApiConfig
from api.observation import REQUEST_ID_HEADER
from engine import service
from engine.domain import Command, Deposit, ListAsset, OpenAccount, Place, Side
from engine.log import Connection, LogWriter, NewRecord
from engine.progress import State
from engine.topics import ORDERS
from engine.wire.commands import command_key, encode_command
from tests.api.people import sign_in
from tests.kafka.waiting import until
from tests.market import Market, RunningBroker

pytestmark = pytest.mark.kafka

ORDER = {"symbol": "PETR4", "side": "buy", "quantity": 10, "price": 10.0}
OPENING = (
    ListAsset(
        symbol="PETR4", name="Petrobras PN", tick_size_units=100, lot_size=1, reference_price_units=100_000
    ),
    OpenAccount(investor_id="demo", unlimited=True),
    Deposit(investor_id="demo", cash_units=10_000_000),
)


@asynccontextmanager
async def serving(market: Market, *, engine: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    """Run an API, and an engine, for as long as the context lasts; gives a client once the API is ready."""
    states: list[State] = []
    settings = market.settings
    config = ApiConfig(
        connection=market.connection,
        database_url=settings.resolved_database_url,
        port=settings.api_port,
        demo=True,
    )
    tasks = [asyncio.create_task(server.run(config, report=lambda state, _: states.append(state)))]
    if engine:
        tasks.append(asyncio.create_task(service.run(market.connection, report=lambda _state, _detail: None)))
    url = f"http://127.0.0.1:{settings.api_port}"
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            await until(lambda: State.READY in states, "ready")
            await sign_in(client, "demo")
            yield client
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def open_market(connection: Connection, client: httpx.AsyncClient) -> None:
    """List an asset and open the account, and wait until the API knows all of it."""
    async with LogWriter(connection) as writer:
        for command in OPENING:
            await writer.append(ORDERS, NewRecord(command_key(command), encode_command(command)))
    for _ in range(500):
        if (await client.get("/account")).json().get("cash"):
            return
        await asyncio.sleep(0.05)
    pytest.fail("the account was never opened")


async def events(response: httpx.Response) -> AsyncIterator[tuple[str, str, Any]]:
    """Read a stream's events: id, name, data."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            yield fields["id"], fields["event"], json.loads(fields["data"])
            fields = {}


async def test_an_order_over_http_is_filled_and_seen_on_the_streams(market: Market) -> None:
    async with serving(market) as client:
        await open_market(market.connection, client)
        resting = await client.post("/orders", json=ORDER)
        assert (resting.status_code, resting.json()["status"]) == (201, "new")
        async with client.stream(
            "GET", "/stream?symbols=PETR4&channels=trades,book,candles:1m"
        ) as market_stream:
            stream = events(market_stream)
            event_id, name, book = await anext(stream)
            assert (name, book["bids"]) == ("book_snapshot", [[10.0, 10, 1]])
            sold = await client.post(
                "/orders", json=ORDER | {"side": "sell", "quantity": 4, "self_trade": "none"}
            )
            assert (sold.status_code, sold.json()["status"]) == (201, "filled")
            seen = {}
            while not {"trade", "book", "candle"} <= seen.keys():
                event_id, name, data = await anext(stream)
                seen[name] = data
            assert (seen["trade"]["price"], seen["trade"]["quantity"]) == (10.0, 4)
            assert seen["book"]["bids"] == [[10.0, 6, 1]]
            assert seen["book"]["previous_offset"] == book["offset"]
            assert seen["candle"]["volume"] == 4
            trade_id = seen["trade"]["transaction_id"]
        again = await client.post(
            "/orders", json=ORDER | {"side": "sell", "quantity": 1, "self_trade": "none"}
        )
        assert again.status_code == 201
        headers = {"Last-Event-ID": event_id}
        async with client.stream(
            "GET", "/stream?symbols=PETR4&channels=trades,book,candles:1m", headers=headers
        ) as back:
            missed = [await anext(events(back))]
            assert missed[0][1] == "trade"
            assert missed[0][2]["transaction_id"] != trade_id
            assert missed[0][2]["quantity"] == 1


async def test_the_private_stream_brings_ones_own_and_goes_on_after_a_break(market: Market) -> None:
    async with serving(market) as client:
        await open_market(market.connection, client)

        async def of_ana(*commands: Command) -> None:
            async with LogWriter(market.connection) as writer:
                for command in commands:
                    await writer.append(ORDERS, NewRecord(command_key(command), encode_command(command)))

        def sale(order_id: str) -> Place:
            return Place(
                order_id=order_id,
                investor_id="ana",
                symbol="PETR4",
                side=Side.SELL,
                quantity=3,
                price_units=100_000,
            )

        async with client.stream("GET", "/stream/account") as response:
            stream = events(response)
            opening = [await anext(stream) for _ in range(3)]
            assert [name for _, name, _ in opening] == ["orders_snapshot", "account_snapshot", "opened"]
            await of_ana(OpenAccount(investor_id="ana", unlimited=True), sale("s-1"))
            mine = (await client.post("/orders", json=ORDER)).json()
            told = [await anext(stream) for _ in range(3)]
        await of_ana(sale("s-2"))
        headers = {"Last-Event-ID": told[-1][0]}
        async with client.stream("GET", "/stream/account", headers=headers) as response:
            told += [await anext(stream) for stream in [events(response)] for _ in range(2)]
        assert {data["investor_id"] for _, _, data in told} == {"demo"}
        executions = [data for _, name, data in told if name == "execution"]
        assert [each["order_id"] for each in executions] == [mine["order_id"]] * 3
        assert [(each["execution_type"], each["filled_quantity"]) for each in executions] == [
            ("new", 0),
            ("trade", 3),
            ("trade", 6),
        ]
        shares = [data["positions"][0]["quantity"] for _, name, data in told if name == "account"]
        assert shares == [3, 6]


async def test_that_the_api_has_begun_is_said_once(market: Market) -> None:
    reports: list[State] = []
    begun: list[State] = []
    config = ApiConfig(
        connection=market.connection,
        database_url=market.settings.resolved_database_url,
        port=market.settings.api_port,
    )
    serving = asyncio.create_task(
        server.run(
            config,
            report=lambda state, _detail: reports.append(state),
            begun=lambda: begun.append(reports[-1]),
        )
    )
    await until(lambda: reports.count(State.READY) == 2, "ready")
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert begun == [State.STARTING]


async def test_the_same_client_order_id_is_one_order_also_after_the_api_restarts(market: Market) -> None:
    async with serving(market) as client:
        await open_market(market.connection, client)
        first = await client.post("/orders", json=ORDER | {"client_order_id": "mine"})
        assert first.status_code == 201
    async with serving(market) as client:
        again = await client.post("/orders", json=ORDER | {"client_order_id": "mine"})
        assert (again.status_code, again.json()) == (200, first.json())
        assert (await client.get("/orders")).json() == [first.json()]
        assert (await client.get("/book/PETR4")).json()["bids"] == [[10.0, 10, 1]]


async def test_an_order_sent_while_kafka_hangs_is_placed_once_whatever_the_client_does(
    broker: RunningBroker, market: Market
) -> None:
    async with serving(market) as client:
        await open_market(market.connection, client)
        broker.freeze()
        try:
            unknown = await client.post("/orders", json=ORDER | {"client_order_id": "mine"})
        finally:
            broker.freeze(False)
        assert (unknown.status_code, unknown.json()["reason"]) == (503, "broker_unavailable")
        again = await client.post("/orders", json=ORDER | {"client_order_id": "mine"})
        assert again.status_code in {200, 201}
        assert [order["client_order_id"] for order in (await client.get("/orders")).json()] == ["mine"]
        assert (await client.get("/book/PETR4")).json()["bids"] == [[10.0, 10, 1]]


async def test_without_an_engine_an_order_is_pending_and_done_when_it_comes(market: Market) -> None:
    async with serving(market) as client:
        await open_market(market.connection, client)
    async with serving(market, engine=False) as client:
        answer = await client.post("/orders", json=ORDER | {"order_id": "late"})
        assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    async with serving(market) as client:
        for _ in range(500):
            orders = (await client.get("/orders")).json()
            if orders:
                break
            await asyncio.sleep(0.05)
        assert [order["order_id"] for order in orders] == ["late"]


async def test_stopping_ends_the_streams_with_a_word(market: Market) -> None:
    names: list[str] = []
    async with serving(market) as client:
        await open_market(market.connection, client)

        async def listen() -> None:
            async with client.stream("GET", "/stream/account") as response:
                async for _, name, _ in events(response):
                    names.append(name)

        listening = asyncio.create_task(listen())
        await until(lambda: "opened" in names, "the stream opened")
        stopping = [task for task in asyncio.all_tasks() if "run()" in repr(task) and "server" in repr(task)]
        for task in stopping:
            task.cancel()
        await asyncio.wait_for(listening, 30)
    assert names[:3] == ["orders_snapshot", "account_snapshot", "opened"]
    assert names[-1] == "server_shutdown"


async def test_a_requests_name_leads_to_its_command_and_so_to_its_trade(market: Market) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        async with serving(market) as client:
            await open_market(market.connection, client)
            answer = await client.post("/orders", json=ORDER, headers={REQUEST_ID_HEADER: "mine-1"})
            assert answer.status_code == 201
    async with AIOKafkaConsumer(
        ORDERS, bootstrap_servers=market.connection.bootstrap_servers, auto_offset_reset="earliest"
    ) as consumer:
        named = [record async for record in _first(consumer, len(OPENING) + 1) if record.headers]
    [record] = named
    assert record.headers == ((REQUEST_ID_HEADER, b"mine-1"),)
    [line] = [line for line in lines if line.get("request_id") == "mine-1"]
    assert (line["event"], line["status"], line["route"]) == ("request answered", 201, "/orders")
    assert line["command"] == f"0-{record.offset}"


async def _first(consumer: Any, count: int) -> AsyncIterator[Any]:
    for _ in range(count):
        yield await consumer.getone()
