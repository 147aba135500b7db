"""When snapshots are taken, and how the engine goes on meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Self

import structlog

from engine import metrics
from engine.freezing import FreezingError, FrozenState
from engine.log import LogError, end_tasks
from engine.shard import Shard
from engine.snapshot_store import SnapshotStore
from engine.state import digest_of_state

SNAPSHOT_COMMANDS = 200_000
_APART_S = 5.0

_log = structlog.get_logger("engine")


class Snapshots:
    """Takes a snapshot every so many commands, one at a time.

    The market stands still for the moment in which its state is frozen; writing, hashing and sending go on
    beside it.

    Parameters
    ----------
    store : SnapshotStore
        Where they go.
    shard : Shard
        Whose they are.
    every_commands : int
        Commands between two snapshots, at least; they are also some seconds apart.
    """

    def __init__(self, store: SnapshotStore, shard: Shard, *, every_commands: int) -> None:
        self._store = store
        self._shard = shard
        self._every_commands = every_commands
        self._taken_offset = shard.offset
        self._taken_s = time.monotonic() - _APART_S
        self._saving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._saving is not None:
            await end_tasks(self._saving)

    async def take_when_due(self, settle: Callable[[], Awaitable[None]]) -> None:
        """Take a snapshot if it is time for one; `settle` sees to it that all outputs so far are kept."""
        if not self._is_due():
            return
        # A snapshot says that what came of its commands need not be sent again.
        await settle()
        start_s = time.monotonic()
        try:
            frozen = FrozenState(self._shard.look())
        except FreezingError as error:
            _log.warning("no snapshot was taken; the next one will be", why=str(error))
            return
        finally:
            self._taken_offset, self._taken_s = self._shard.offset, time.monotonic()
        pause_ms = (self._taken_s - start_s) * 1_000
        self._saving = asyncio.create_task(self._save(frozen, pause_ms))

    def _is_due(self) -> bool:
        return (
            self._shard.offset - self._taken_offset >= self._every_commands
            and (self._saving is None or self._saving.done())
            and time.monotonic() - self._taken_s >= _APART_S
        )

    async def _save(self, frozen: FrozenState, pause_ms: float) -> None:
        try:
            with await frozen.thawed() as kept:
                digest = await asyncio.to_thread(digest_of_state, kept.header, kept.pieces())
                await self._store.save(
                    kept.offset,
                    header=kept.header,
                    sizes=kept.sizes,
                    pieces=kept.pieces(),
                    state_hash=digest,
                )
        except (FreezingError, LogError) as error:
            _log.warning("the snapshot could not be saved; the next one will be", why=str(error))
            return
        metrics.SNAPSHOT_OFFSET.set(kept.offset)
        metrics.SNAPSHOT_PAUSE_SECONDS.observe(pause_ms / 1_000)
        _log.info("snapshot saved", offset=kept.offset, pause_ms=round(pause_ms, 1), state_hash=digest)
