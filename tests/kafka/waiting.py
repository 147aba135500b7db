"""Waiting inside a test's own loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from tests.market import TIMEOUT_S


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition holds; fails the test when it never does."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        await asyncio.sleep(0.02)
