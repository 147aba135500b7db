"""Streams over real HTTP: limits, bad input, clients that do not read; nobody else notices."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import httpx
import pytest
from fastapi import FastAPI

from api.feed.subscription import Subscription, body, frame
from api.streaming import StreamCounts
from homebroker.client import AsyncClient, Notice, Stream, Trade
from homebroker.client.events import EventReader, RawEvent
from tests.api.live_engine import LiveEngine
from tests.api.people import PASSWORDS, sign_in
from tests.api.serving import serving
from tests.kafka.waiting import until


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    """Serve the API; gives where."""
    async with serving(app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def live(app: FastAPI) -> LiveEngine:
    """Give an engine whose trades are streamed."""
    return LiveEngine(app)


class Witness:
    """A listener who is to be told of every trade, whatever others do."""

    def __init__(self, stream: Stream) -> None:
        self.trades: list[str] = []
        self.opened = False
        self._stream = stream
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async with self._stream as stream:
            async for event in stream:
                self.opened = self.opened or isinstance(event.data, Notice)
                if isinstance(event.data, Trade):
                    self.trades.append(event.data.transaction_id)

    async def leave(self) -> None:
        """Stop listening; the connection must have been one and the same."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        assert self._stream.connections == 1


@pytest.fixture
async def witness(url: str, live: LiveEngine) -> AsyncIterator[Witness]:
    """Let somebody listen to trades, from before to after the test; gives them."""
    async with AsyncClient(url) as client:
        witness = Witness(client.follow(["PETR4"], ["trades"]))
        await until(lambda: witness.opened, "the witness listens")
        live.trade()
        await until(lambda: len(witness.trades) == 1, "the witness is told")
        yield witness
        told = len(witness.trades)
        live.trade()
        await until(lambda: len(witness.trades) == told + 1, "the witness is still told")
        await witness.leave()


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("symbols=XXXX3", 404, "unknown_symbol"),
        ("symbols=PETR4,XXXX3", 404, "unknown_symbol"),
        ("symbols=" + ",".join(f"S{number}" for number in range(101)), 422, "malformed"),
        ("symbols=,", 422, "malformed"),
        ("symbols=" + "A" * 3_000, 422, "malformed"),
        ("symbols=%00%ff%0a", 404, "unknown_symbol"),
        ("channels=", 422, "bad_channel"),
        ("channels=,", 422, "bad_channel"),
        ("channels=nonsense", 422, "bad_channel"),
        ("channels=candles", 422, "bad_channel"),
        ("channels=candles:2m", 422, "bad_channel"),
        ("channels=candles:1m:3ms", 422, "bad_channel"),
        ("channels=candles:250ms", 422, "bad_channel"),
        ("channels=trades:250ms", 422, "bad_channel"),
        ("channels=book:0ms", 422, "bad_channel"),
        ("channels=book:1s:1s", 422, "bad_channel"),
        ("channels=book,book:250ms", 422, "bad_channel"),
        ("channels=candles:1s:1s,candles:1s:250ms", 422, "bad_channel"),
        ("channels=" + "trades," * 100, 422, "malformed"),
    ],
)
async def test_what_cannot_be_streamed_is_refused_with_a_reason(
    url: str, witness: Witness, query: str, status: int, reason: str
) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/stream?{query}")
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert answer.json()["message"].endswith(".")


async def test_channels_of_different_things_and_paces_go_together(url: str, live: LiveEngine) -> None:
    channels = ["trades", "book:100ms", "tickers:1s", "candles:1s:100ms"]
    live.trade()
    async with AsyncClient(url) as client, client.follow([], channels) as stream:
        while (await anext(stream)).name != "opened":
            pass
        live.trade()
        names = {(await anext(stream)).name for _ in range(3)}
    assert {"trade", "book"} <= names


@pytest.mark.parametrize(
    "last_id",
    ["nonsense", "t0.b0", "t9.b9.9", "t1.b1.1-zzzz-1", "t-1.b0.0", "e0.a0.0", "t" + "9" * 30],
)
async def test_an_id_that_is_none_brings_a_reset(
    url: str, witness: Witness, last_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.openings.BEHIND_MAX_S", 0.05)
    async with AsyncClient(url) as client:
        stream = client.follow(["PETR4"], ["trades", "book"], last_event_id=last_id)
        async with stream:
            names = [(await anext(stream)).name for _ in range(3)]
        assert (names, stream.resets) == (["reset", "book_snapshot", "opened"], 1)


async def test_an_id_without_end_is_refused(url: str, witness: Witness) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/stream", headers={"Last-Event-ID": "9" * 1_000})
    assert (answer.status_code, answer.json()["reason"]) == (422, "malformed")


async def test_who_takes_nothing_is_cut_off_and_nobody_else_waits(
    app: FastAPI, url: str, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.streaming.SEND_TIMEOUT_S", 0.4)
    services, told = app.state.services, len(witness.trades)
    with socket.socket() as sleeper:
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sleeper.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sleeper, ("127.0.0.1", int(url.rpartition(":")[2])))
        await loop.sock_sendall(sleeper, b"GET /stream?channels=tickers HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await until(lambda: services.public_feed.listeners == 2, "it is let in")
        for _ in range(40):
            # More than sockets hold back: 16 MB of what only the sleeper asked for.
            services.public_feed.add_state("tickers:PETR4", "ticker", b'"' + b"x" * 400_000 + b'"')
            services.public_feed.settle({})
            await asyncio.sleep(0.01)
        await until(lambda: services.public_feed.listeners == 1, "it is cut off")
        assert len(services.stream_counts) == 1
        # What it had not read is given up, not kept for it: only what sockets hold still comes.
        received = 0
        with suppress(ConnectionResetError):
            while chunk := await loop.sock_recv(sleeper, 1 << 20):
                received += len(chunk)
        assert received < 12_000_000
    assert len(witness.trades) == told


async def test_people_who_are_not_signed_in_have_so_many_streams_by_address(
    app: FastAPI, url: str, live: LiveEngine
) -> None:
    counts = app.state.services.stream_counts = StreamCounts(of_user_max=2, of_address_max=1)
    async with httpx.AsyncClient(base_url=url, timeout=20) as client, AsyncExitStack() as first:
        opened = await first.enter_async_context(client.stream("GET", "/stream"))
        assert opened.status_code == 200
        for headers in ({}, {"authorization": "Bearer nonsense"}, {"x-api-key": "hb_nonsense"}):
            refused = await client.get("/stream", headers=headers)
            assert (refused.status_code, refused.json()["reason"]) == (429, "too_many_streams")
            assert int(refused.headers["retry-after"]) > 0
        await first.aclose()
        await until(lambda: len(counts) == 0, "the first has left")
        async with client.stream("GET", "/stream") as again:
            assert again.status_code == 200


async def test_a_user_has_so_many_streams_wherever_from_and_of_whichever_kind(
    app: FastAPI, url: str, live: LiveEngine
) -> None:
    counts = app.state.services.stream_counts = StreamCounts(of_user_max=2, of_address_max=1)
    async with httpx.AsyncClient(base_url=url, timeout=20) as client, AsyncExitStack() as streams:
        await sign_in(client, "demo")
        for path in ("/stream", "/stream/account"):
            opened = await streams.enter_async_context(client.stream("GET", path))
            assert opened.status_code == 200
        for path in ("/stream", "/stream/account"):
            refused = await client.get(path)
            assert (refused.status_code, refused.json()["reason"]) == (429, "too_many_streams")
        await sign_in(client, "admin")
        async with client.stream("GET", "/stream") as others:
            assert others.status_code == 200
        await streams.aclose()
        await until(lambda: len(counts) == 0, "all have left")


async def test_an_account_has_so_many_streams(
    app: FastAPI, url: str, live: LiveEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state.services.private_feed, "_subscribers_of_channel_max", 1)
    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
        await sign_in(client, "demo")
        async with client.stream("GET", "/stream/account") as opened:
            await anext(opened.aiter_bytes())
            refused = await client.get("/stream/account")
            assert (refused.status_code, refused.json()["reason"]) == (429, "too_many_streams")


async def test_a_full_server_says_so_and_counts_nobody(
    app: FastAPI, url: str, live: LiveEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state.services.public_feed, "_subscribers_max", 0)
    async with httpx.AsyncClient() as client:
        refused = await client.get(f"{url}/stream")
    assert (refused.status_code, refused.json()["reason"]) == (503, "too_many_streams")
    assert len(app.state.services.stream_counts) == 0


async def test_a_quiet_stream_says_that_it_lives_by_comments_and_by_events(
    url: str, live: LiveEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.feed.subscription.BEAT_EVERY_S", 0.05)
    async with (
        httpx.AsyncClient() as client,
        client.stream("GET", f"{url}/stream?channels=trades") as response,
    ):
        reader, comments = EventReader(), 0
        seen: list[RawEvent] = []
        async for chunk in response.aiter_bytes():
            comments += chunk.count(b": the stream lives")
            seen += reader.read(chunk)
            beats = [event for event in seen if event.name == "heartbeat"]
            if len(beats) == 2:
                live.trade()
            if len(beats) >= 4 and any(event.name == "trade" for event in seen):
                break
    assert comments == len(beats)
    assert {event.data for event in beats} == {b'{"every_ms":50}'}
    # Whoever comes back with a heartbeat's id goes on behind the event before it.
    ids = [event.id for event in seen]
    assert all(
        event.id == before for before, event in zip(ids, seen[1:], strict=False) if event.name == "heartbeat"
    )
    assert len(set(ids)) == len(seen) - len(beats)


async def test_heartbeats_and_farewells_stand_behind_what_is_sent_with_them() -> None:
    listener = Subscription(["trades:PETR4"], bytes_max=1_000)
    frames, reader = listener.frames("t0"), EventReader()
    first = asyncio.ensure_future(anext(frames))
    await asyncio.sleep(0)
    listener.push("t1", frame("t1", body("trade", b"1")))
    listener._beat()
    told = [(event.id, event.name) for event in reader.read(await first)]
    listener.end("server_shutdown", b"{}")
    told += [(event.id, event.name) for event in reader.read(await anext(frames))]
    assert told == [("t1", "trade"), ("t1", "heartbeat"), ("t1", "server_shutdown")]
    await anext(frames, None)


async def test_the_private_stream_is_for_whoever_is_signed_in(url: str, live: LiveEngine) -> None:
    async with httpx.AsyncClient() as client:
        refused = await client.get(f"{url}/stream/account")
    assert (refused.status_code, refused.json()["reason"]) == (401, "not_signed_in")
    signed_in = AsyncClient(url, username="demo", password=PASSWORDS["demo"])
    async with signed_in as client, client.follow_account() as stream:
        names = [(await anext(stream)).name for _ in range(3)]
    assert names == ["orders_snapshot", "account_snapshot", "opened"]
