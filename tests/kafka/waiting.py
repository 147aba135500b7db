"""Waiting inside a test's own loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from engine.log import Connection, LogReader
from tests.market import TIMEOUT_S


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition holds; fails the test when it never does."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        await asyncio.sleep(0.02)


async def end_of(connection: Connection, topic: str) -> int:
    """Give the offset that a topic's next record will get."""
    async with LogReader(connection) as reader:
        return await reader.end_offset(topic, 0)


async def grown(connection: Connection, topic: str, *, beyond: int | None = None) -> None:
    """Wait until a topic has more records than it has now, or than it had when its end was asked for."""
    async with LogReader(connection) as reader, asyncio.timeout(TIMEOUT_S):
        end = await reader.end_offset(topic, 0) if beyond is None else beyond
        while await reader.end_offset(topic, 0) <= end:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)
