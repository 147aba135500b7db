"""Many people at the page, without their browsers: web sockets, each with a run of the script."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

_READY_TIMEOUT_S: Final = 120.0


@contextmanager
def watching(url: str, cookie: str, count: int) -> Iterator[None]:
    """Keep so many sessions open, each of which has run the page."""
    ready, enough = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_all(url, cookie, count, ready, enough)))
    thread.start()
    try:
        if not ready.wait(_READY_TIMEOUT_S):
            raise RuntimeError(f"{count} sessions did not open within {_READY_TIMEOUT_S:.0f} s")
        yield
    finally:
        enough.set()
        thread.join()


async def _all(url: str, cookie: str, count: int, ready: threading.Event, enough: threading.Event) -> None:
    address = url.replace("http://", "ws://") + "/_stcore/stream"
    runs = [asyncio.Event() for _ in range(count)]
    people = [asyncio.create_task(_person(address, url, cookie, run)) for run in runs]
    await asyncio.gather(*(run.wait() for run in runs))
    ready.set()
    await asyncio.to_thread(enough.wait)
    for person in people:
        person.cancel()
    await asyncio.gather(*people, return_exceptions=True)


async def _person(address: str, origin: str, cookie: str, has_run: asyncio.Event) -> None:
    headers = {"Cookie": f"homebroker_session={cookie}"}
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
