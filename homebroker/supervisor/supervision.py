"""All the parts of one market: started in order, kept running, stopped in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from homebroker.settings import Settings
from homebroker.supervisor.display import Display
from homebroker.supervisor.keeper import Keeper
from homebroker.supervisor.plan import Part

_POLL_S = 0.1


class Supervision:
    """The parts of one market, until `stop`."""

    def __init__(self, settings: Settings, parts: Sequence[Part], display: Display) -> None:
        self._display = display
        self._keepers = [Keeper(part, settings, display) for part in parts]
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self, when_ready: Callable[[], Awaitable[None]]) -> None:
        """Start the parts and keep them running; returns only by an exception or when cancelled.

        Parameters
        ----------
        when_ready : callable
            Awaited once, when all parts are ready.

        Raises
        ------
        StartError
            When a part cannot run as things are.
        """
        by_name = {keeper.part.name: keeper for keeper in self._keepers}
        self._tasks = [
            asyncio.create_task(keeper.run(by_name[keeper.part.needs].ready if keeper.part.needs else None))
            for keeper in self._keepers
        ]
        announcing = asyncio.create_task(self._announce(when_ready))
        self._tasks.append(announcing)
        done, _running = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    async def stop(self) -> None:
        """Stop all parts, the last started first."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for keeper in reversed(self._keepers):
            await keeper.stop()

    def kill(self) -> None:
        """End all parts at once."""
        for keeper in self._keepers:
            keeper.kill()

    async def _announce(self, when_ready: Callable[[], Awaitable[None]]) -> None:
        for keeper in self._keepers:
            while not keeper.ready.is_set():
                self._display.waiting(keeper.part.name, keeper.detail)
                await asyncio.sleep(_POLL_S)
            self._display.ready(keeper.part.name, f"ready in {keeper.took_s:.1f} s", keeper.detail)
        await when_ready()
