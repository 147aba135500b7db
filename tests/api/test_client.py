"""The client library against the real API: signing in, errors, and a server that leaves something out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from homebroker.client import (
    AsyncClient,
    Client,
    NewOrder,
    Pauses,
    RefusedError,
    SignedOutError,
    UnreachableError,
    asks,
)
from tests.api.live_engine import LiveEngine
from tests.api.people import PASSWORDS
from tests.api.serving import serving
from tests.market import free_ports


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    """Serve the API; gives where."""
    LiveEngine(app)
    async with serving(app) as port:
        yield f"http://127.0.0.1:{port}"


async def test_questions_have_typed_answers(url: str) -> None:
    async with AsyncClient(url, username="demo", password=PASSWORDS["demo"]) as client:
        new = NewOrder(symbol="PETR4", side="buy", quantity=10, price=9.5, time_in_force="gtc")
        order = await client.ask(asks.place(new))
        assert (order.status, order.remaining_quantity) == ("new", 10)
        assert (await client.ask(asks.book("PETR4", levels=1))).bids == ((9.5, 10, 1),)
        amended = await client.ask(asks.amend(order.order_id, quantity=4))
        assert amended.remaining_quantity == 4
        assert [each.order_id for each in await client.ask(asks.orders())] == [order.order_id]
        assert (await client.ask(asks.cancel(order.order_id))).status == "canceled"
        assert (await client.ask(asks.account())).held_cash == 0
        assert {asset.symbol for asset in await client.ask(asks.assets())} == {"PETR4", "VALE3"}
        assert (await client.ask(asks.candles("PETR4", "1m"))).candles == []
        assert await client.ask(asks.trades("PETR4")) == []


async def test_an_ask_that_moves_money_is_done_once_however_often_it_is_sent(url: str) -> None:
    async with AsyncClient(url, username="demo", password=PASSWORDS["demo"]) as client:
        before = (await client.ask(asks.account())).cash
        deposit = asks.deposit(100)
        for ask in (deposit, deposit, asks.withdraw(1), asks.deposit(100)):
            assert (await client.ask(ask)).status == "done"
        assert (await client.ask(asks.account())).cash == before + 199


async def test_tokens_are_renewed_once_for_all_who_wait(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # In whole seconds, of which the first may be over at once.
    monkeypatch.setattr("api.identity.tokens.ACCESS_TOKEN_LIFE_S", 2)
    async with AsyncClient(url, username="demo", password=PASSWORDS["demo"]) as client:
        for _ in range(2):
            # Were the refresh token shown twice, its session would end, and these would fail.
            accounts = await asyncio.gather(*(client.ask(asks.account()) for _ in range(5)))
            assert {account.investor_id for account in accounts} == {"demo"}
            await asyncio.sleep(2.2)
    threaded = Client(url, username="demo", password=PASSWORDS["demo"])
    with threaded as client:
        assert (await asyncio.to_thread(client.ask, asks.account())).investor_id == "demo"


async def test_errors_say_whether_anything_was_done(url: str) -> None:
    async with AsyncClient(url, username="demo", password="wrong") as client:
        with pytest.raises(SignedOutError):
            await client.ask(asks.account())
        with pytest.raises(SignedOutError):
            async with client.follow_account() as stream:
                await anext(stream)
    async with AsyncClient(url) as client:
        with pytest.raises(RefusedError) as refused:
            await client.ask(asks.book("XXXX3"))
        assert (refused.value.reason, refused.value.status) == ("unknown_symbol", 404)
        with pytest.raises(RefusedError) as refused:
            async with client.follow(["PETR4"], ["nonsense"]) as stream:
                await anext(stream)
        assert refused.value.reason == "bad_channel"
    async with AsyncClient(f"http://127.0.0.1:{free_ports(1)}") as client:
        with pytest.raises(UnreachableError):
            await client.ask(asks.assets())


def _frame(event_id: str, name: str, **data: object) -> bytes:
    return f"id: {event_id}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


async def test_a_change_left_out_is_noticed_and_the_book_begun_again() -> None:
    sides = {"symbol": "PETR4", "time_ms": 1, "asks": []}
    opening = _frame("1.s", "book_snapshot", offset=5, bids=[[9.0, 1, 1]], **sides) + _frame("1", "opened")
    change = _frame("2", "book", previous_offset=5, offset=6, bids=[[9.1, 1, 1]], **sides)
    # The change from 6 to 7 is missing.
    late = _frame("3", "book", previous_offset=7, offset=8, bids=[[9.2, 1, 1]], **sides)
    again = _frame("4.s", "book_snapshot", offset=8, bids=[[9.2, 1, 1]], **sides) + _frame("4", "opened")
    read = asyncio.Event()
    answers, asked = [opening + change + late, again], []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).lower())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + answers[len(asked) - 1])
        await writer.drain()
        if len(asked) == 2:
            await read.wait()
        writer.close()

    port = free_ports(1)
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server, AsyncClient(f"http://127.0.0.1:{port}") as client:
        following = client.follow(["PETR4"], ["book"], pauses=Pauses(first_s=0.01))
        async with following as stream:
            names = [(await anext(stream)).name for _ in range(6)]
            assert stream.books["PETR4"].bids() == [(9.2, 1, 1)]
            read.set()
    assert names == ["book_snapshot", "opened", "book", "reset", "book_snapshot", "opened"]
    assert (stream.broken_chains, stream.connections) == (1, 2)
    assert not any(b"last-event-id" in request for request in asked)
