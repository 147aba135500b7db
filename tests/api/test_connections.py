"""The real HTTP server: slow and talkative clients, streams of people who sign out, proxies."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.api.people import PASSWORDS, sign_in
from tests.api.serving import serving
from tests.kafka.waiting import until


@pytest.fixture
async def port(app: FastAPI) -> AsyncIterator[int]:
    """Serve the API; gives the port."""
    async with serving(app) as port:
        yield port


async def connection(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect as a client that need not know HTTP."""
    return await asyncio.open_connection("127.0.0.1", port)


async def closed_after_s(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    """Wait until the server ends a connection; gives how long that took."""
    began_s = time.monotonic()
    async with asyncio.timeout(10):
        await reader.read()
    writer.close()
    return time.monotonic() - began_s


@pytest.mark.parametrize("said", [b"", b"GET / HT", b"GET /assets HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: "])
async def test_a_client_that_does_not_say_what_it_wants_is_cut_off(
    port: int, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr("api.patience.HEAD_TIMEOUT_S", 0.3)
    reader, writer = await connection(port)
    writer.write(said)
    assert 0.2 < await closed_after_s(reader, writer) < 3


async def test_a_head_that_trickles_in_does_not_win_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.patience.HEAD_TIMEOUT_S", 0.3)
    reader, writer = await connection(port)

    async def trickle() -> None:
        writer.write(b"GET /assets HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        for _ in range(100):
            writer.write(b"X-A: b\r\n")
            await asyncio.sleep(0.05)

    trickling = asyncio.create_task(trickle())
    assert await closed_after_s(reader, writer) < 3
    trickling.cancel()


async def test_a_second_request_may_not_be_slower_than_the_first(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.patience.HEAD_TIMEOUT_S", 0.3)
    reader, writer = await connection(port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    await asyncio.sleep(0.5)  # to say nothing between two requests is allowed
    writer.write(b"GET /health HTTP/1.1\r\n")
    assert await closed_after_s(reader, writer) < 3


@pytest.mark.parametrize("piece", [b"a" * 1_024, b"\r\nX-A: " + b"b" * 1_000])
async def test_a_head_without_end_is_cut_off(port: int, piece: bytes) -> None:
    reader, writer = await connection(port)
    writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ")
    sent_bytes = 0
    try:
        async with asyncio.timeout(10):
            while not reader.at_eof() and sent_bytes < 10_000_000:
                writer.write(piece)
                await writer.drain()
                sent_bytes += len(piece)
                await asyncio.sleep(0)
    except ConnectionError:
        pass
    writer.close()
    assert sent_bytes < 2_000_000


async def test_a_body_that_trickles_in_is_answered_and_does_not_hold_the_server(
    port: int, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.middleware.BODY_TIMEOUT_S", 0.3)
    reader, writer = await connection(port)
    writer.write(
        b"POST /auth/refresh HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b'Content-Length: 100\r\n\r\n{"refresh'
    )
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_many_idle_connections_do_not_keep_others_out(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.patience.HEAD_TIMEOUT_S", 1.0)
    idle = [await connection(port) for _ in range(200)]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/health")).status_code == 200
    for reader, writer in idle:
        assert await closed_after_s(reader, writer) < 5


async def test_the_stream_of_somebody_who_signs_out_ends(
    port: int, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.middleware.CHECK_EVERY_S", 0.1)
    monkeypatch.setattr("api.identity.recognition.FRESH_S", 0.05)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        await sign_in(client, "demo")
        seen: defaultdict[str, list[str]] = defaultdict(list)

        async def listen(path: str) -> None:
            async with client.stream("GET", path) as stream:
                async for line in stream.aiter_lines():
                    seen[path].append(line)

        private = asyncio.create_task(listen("/stream/account"))
        public = asyncio.create_task(listen("/stream"))
        await until(
            lambda: sum(lines.count("event: opened") for lines in seen.values()) == 2, "both streams opened"
        )
        await asyncio.sleep(0.5)
        assert not private.done()
        await client.post("/auth/logout")
        async with asyncio.timeout(5):
            await private
        assert "event: signed_out" in seen["/stream/account"][-4:]
        assert not public.done()
        public.cancel()
        await asyncio.gather(public, return_exceptions=True)


async def test_a_stream_outlives_its_access_token_and_ends_with_the_key_it_came_with(
    port: int, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.middleware.CHECK_EVERY_S", 0.1)
    monkeypatch.setattr("api.identity.recognition.FRESH_S", 0.05)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        await sign_in(client, "demo")
        made = (await client.post("/auth/keys", json={"name": "robot"})).json()
        monkeypatch.setattr("api.identity.tokens.ACCESS_TOKEN_LIFE_S", 1)
        await sign_in(client, "demo")
        by_token = client.stream("GET", "/stream/account")
        by_key = client.stream("GET", "/stream/account", headers={"authorization": f"Bearer {made['key']}"})
        async with by_token as first, by_key as second:
            keyed = asyncio.create_task(second.aread())
            tokened = asyncio.create_task(first.aread())
            await asyncio.sleep(1.5)
            assert (await client.get("/auth/me")).json()["reason"] == "token_expired"
            assert not tokened.done()
            assert not keyed.done()
            monkeypatch.setattr("api.identity.tokens.ACCESS_TOKEN_LIFE_S", 60)
            await sign_in(client, "demo")
            await client.delete(f"/auth/keys/{made['key_id']}")
            async with asyncio.timeout(5):
                await keyed
            assert not tokened.done()
            tokened.cancel()
            await asyncio.gather(tokened, return_exceptions=True)


async def test_only_a_trusted_proxy_is_believed_about_who_asks(app: FastAPI) -> None:
    login = {"username": "demo", "password": PASSWORDS["demo"]}
    told = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    secure = []
    for trusted in ((), ("127.0.0.1",)):
        async with serving(app, trusted_proxies=trusted) as port, httpx.AsyncClient() as client:
            url = f"http://127.0.0.1:{port}/auth/session"
            answer = await client.post(url, json=login, headers=told)
            secure.append("Secure" in answer.headers["set-cookie"])
    assert secure == [False, True]
    rows = await app.state.identity.journal.page(before_id=None, limit=2)
    assert [row.address for row in rows] == ["203.0.113.9", "127.0.0.1"]
