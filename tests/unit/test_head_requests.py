"""A HEAD request is answered as GET is, without the body, and ends what would go on."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from api.middleware import Headed


async def test_what_is_streamed_for_ever_ends_with_its_head() -> None:
    sent: list[Message] = []
    asked: list[str] = []
    ended = asyncio.Event()

    async def endless(scope: Scope, _receive: Receive, send: Send) -> None:
        asked.append(scope["method"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"more", "more_body": True})
                await asyncio.sleep(0)
        finally:
            ended.set()

    async def silent() -> Message:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def keep(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "HEAD"}
    async with asyncio.timeout(20):
        await Headed(endless)(scope, silent, keep)
    assert ended.is_set()
    assert (asked, scope["method"]) == (["GET"], "HEAD")
    assert sent == [
        {"type": "http.response.start", "status": 200, "headers": []},
        {"type": "http.response.body", "body": b""},
    ]
