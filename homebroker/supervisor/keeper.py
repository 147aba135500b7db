"""Keeps one part running: starts it, learns when it is ready, starts it again when it dies."""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import suppress

from homebroker.errors import EXIT_CANNOT_START, StartError
from homebroker.settings import Settings
from homebroker.supervisor.child import Child, describe_end
from homebroker.supervisor.display import Display
from homebroker.supervisor.plan import Part
from homebroker.supervisor.readiness import readiness

_POLL_S = 0.2
_BACKOFF_FIRST_S = 0.5
_BACKOFF_MAX_S = 30.0
_STAYED_UP_S = 30.0
_ELSEWHERE_TIMEOUT_S = 60.0
_DISK_BYTES_MIN = 64 * 1024 * 1024


class Keeper:
    """One part, kept running until the task of `run` is cancelled.

    `ready` is set from the first time that the part was ready; `detail` tells where it stands, `took_s` how
    long it took.
    """

    def __init__(self, part: Part, settings: Settings, display: Display) -> None:
        self.part = part
        self.ready = asyncio.Event()
        self.detail = "waiting for its turn"
        self.took_s = 0.0
        self._settings = settings
        self._display = display
        self._child = Child(part, settings.data_dir) if part.command else None

    async def run(self, needs: asyncio.Event | None) -> None:
        """Keep the part running, from when the part that it needs is ready.

        Raises
        ------
        StartError
            When the part says, at its first start, that it cannot run as things are.
        """
        if needs is not None:
            await needs.wait()
        if self._child is None:
            await self._wait_for_elsewhere()
            return
        backoff_s = _BACKOFF_FIRST_S
        while True:
            started_s = time.monotonic()
            code = await self._run_once(self._child)
            last_line = self._child.last_line()
            if code == EXIT_CANNOT_START and not self.ready.is_set():
                raise StartError(f"{self.part.name} cannot start: {last_line}")
            if time.monotonic() - started_s > _STAYED_UP_S:
                backoff_s = _BACKOFF_FIRST_S
            self._display.trouble(
                self.part.name, f"{describe_end(code)}; starting it again in {backoff_s:g} s", last_line
            )
            self._warn_of_full_disk()
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, _BACKOFF_MAX_S)

    async def stop(self) -> None:
        """Stop the part's process, gently, then not."""
        if self._child is not None and self._child.pid is not None:
            self._display.waiting(self.part.name, "stopping")
            await self._child.stop()

    def kill(self) -> None:
        """End the part's process at once."""
        if self._child is not None:
            self._child.kill()

    async def _run_once(self, child: Child) -> int:
        was_ready = self.ready.is_set()
        self.detail = "starting"
        await child.start()
        becoming_ready = asyncio.create_task(self._become_ready())
        if was_ready:
            becoming_ready.add_done_callback(self._say_back)
        try:
            return await child.wait()
        finally:
            becoming_ready.cancel()
            with suppress(asyncio.CancelledError):
                await becoming_ready

    async def _wait_for_elsewhere(self) -> None:
        try:
            await asyncio.wait_for(self._become_ready(), _ELSEWHERE_TIMEOUT_S)
        except TimeoutError as error:
            raise StartError(
                f"{self.detail}. Start it, or mend HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS; empty, it means the "
                "embedded Kafka."
            ) from error

    async def _become_ready(self) -> None:
        started_s = time.monotonic()
        while True:
            found = await readiness(self._settings, self.part.name)
            self.detail = found.detail
            if found.is_ready:
                break
            await asyncio.sleep(_POLL_S)
        self.took_s = time.monotonic() - started_s
        self.ready.set()

    def _say_back(self, becoming_ready: asyncio.Task[None]) -> None:
        if not becoming_ready.cancelled() and becoming_ready.exception() is None:
            self._display.ready(self.part.name, f"back after {self.took_s:.1f} s", self.detail)

    def _warn_of_full_disk(self) -> None:
        free_bytes = shutil.disk_usage(self._settings.data_dir).free
        if free_bytes < _DISK_BYTES_MIN:
            self._display.say(
                f"The disk of {self._settings.data_dir} is full ({free_bytes >> 20} MB free). "
                "Free some space; what was accepted is kept."
            )
