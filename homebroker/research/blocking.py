"""Asynchronous work for callers who just want its result, whether or not an event loop runs here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

_T = TypeVar("_T")


def run_blocking(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end and give its result.

    Inside a running event loop, as in Jupyter, it runs on a loop of its own in a thread of its own, because
    a loop cannot be waited for from within. An interrupt cancels it and waits until it has cleaned up.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    cancels: list[Callable[[], object]] = []

    async def cancellable() -> _T:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None, "asyncio.run makes a task"
        cancels.append(lambda: loop.call_soon_threadsafe(task.cancel))
        return await work

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="homebroker-research") as pool:
        done = pool.submit(lambda: asyncio.run(cancellable()))
        try:
            return done.result()
        except KeyboardInterrupt:
            for cancel in cancels:
                cancel()
            raise
