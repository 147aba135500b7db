"""Many people at the page, as its servers see them: all that their browsers ask for, without the browsers.

Each has a web socket and a run of the page's script, the market's and the account's event stream, which are
read and thrown away, and the questions that a page in sight asks every few seconds.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench.dashboard.browser import url_of
from homebroker.settings import Settings

MARKET: Final = "/stream?symbols=PETR4&channels=trades,book,candles:1m,tickers"
ACCOUNT: Final = "/stream/account"
ASKED_S: Final = {"/assets": 2.0, "/ready": 5.0}
_READY_TIMEOUT_S: Final = 120.0
_READ_BYTES: Final = 1 << 16


class Crowd:
    """What many people were sent so far: bytes of each one's market stream."""

    def __init__(self, count: int) -> None:
        self.received = [0] * count


@contextmanager
def watching(settings: Settings, cookie: str, count: int) -> Iterator[Crowd]:
    """Keep so many people at the page, each of whom has it drawn by the server and is sent the market."""
    crowd, ready, enough = Crowd(count), threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_all(settings, cookie, crowd, ready, enough)))
    thread.start()
    try:
        if not ready.wait(_READY_TIMEOUT_S):
            raise RuntimeError(f"{count} sessions did not open within {_READY_TIMEOUT_S:.0f} s")
        yield crowd
    finally:
        enough.set()
        thread.join()


async def _all(
    settings: Settings, cookie: str, crowd: Crowd, ready: threading.Event, enough: threading.Event
) -> None:
    count = len(crowd.received)
    runs = [asyncio.Event() for _ in range(count)]
    async with httpx.AsyncClient(base_url=f"http://localhost:{settings.api_port}") as client:
        work: list[Coroutine[Any, Any, None]] = []
        for number, run in enumerate(runs):
            work.append(_visit(url_of(settings), cookie, run))
            work.append(_read(settings.api_port, MARKET, cookie, crowd, number))
            work.append(_read(settings.api_port, ACCOUNT, cookie))
            work += [_ask(client, path, period_s) for path, period_s in ASKED_S.items()]
        people = [asyncio.create_task(each) for each in work]
        await asyncio.gather(*(run.wait() for run in runs))
        ready.set()
        await asyncio.to_thread(enough.wait)
        for person in people:
            person.cancel()
        await asyncio.gather(*people, return_exceptions=True)


async def _visit(origin: str, cookie: str, has_run: asyncio.Event) -> None:
    headers = {"Cookie": f"homebroker_session={cookie}"}
    address = origin.replace("http://", "ws://") + "/_stcore/stream"
    async with websockets.connect(
        address, origin=websockets.Origin(origin), additional_headers=headers, max_size=None
    ) as socket:
        wish = BackMsg()
        wish.rerun_script.query_string = ""
        await socket.send(wish.SerializeToString())
        async for message in socket:
            told = ForwardMsg()
            if isinstance(message, bytes):
                told.ParseFromString(message)
            if told.WhichOneof("type") == "script_finished":
                has_run.set()


async def _read(port: int, path: str, cookie: str, crowd: Crowd | None = None, number: int = 0) -> None:
    reader, writer = await asyncio.open_connection("localhost", port)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: homebroker_session={cookie}\r\n\r\n"
    writer.write(request.encode())
    status = await reader.readline()
    assert b" 200 " in status, status
    while content := await reader.read(_READ_BYTES):
        if crowd is not None:
            crowd.received[number] += len(content)


async def _ask(client: httpx.AsyncClient, path: str, period_s: float) -> None:
    while True:
        (await client.get(path)).raise_for_status()
        await asyncio.sleep(period_s)
