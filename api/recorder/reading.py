"""The recorded topics as they are read: whatever has come, a run of each topic at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Self

from api.recorder.rows import At, Run
from engine.batches import RawRecords
from engine.log import Connection, end_tasks
from engine.log.raw_reading import RawReader

_FETCH_BYTES_MAX = 16 * 1024 * 1024
"""Of one fetch, so also of one batch's records of a topic: some 50,000."""


class RunReader:
    """Reads several topics at once, each by fetches of its own.

    The records stay in the bytes that brought them until they are rows: as objects they would cost more than
    all that the database does with them.
    """

    def __init__(self, connection: Connection, positions: Mapping[At, int]) -> None:
        self._readers = {
            at: RawReader(connection, *at, offset=offset, bytes_max=_FETCH_BYTES_MAX)
            for at, offset in positions.items()
        }
        self._positions = dict(positions)
        self._reads: dict[At, asyncio.Task[RawRecords]] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for reader in self._readers.values():
                await stack.enter_async_context(reader)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await end_tasks(*self._reads.values())
        await self._stack.aclose()

    @property
    def positions(self) -> dict[At, int]:
        """The offset of each topic that is read next, behind all that was given."""
        return dict(self._positions)

    async def read(self, *, wait_ms: int) -> list[Run]:
        """Give what has come; nothing when `wait_ms` passed without a record.

        Raises
        ------
        LogError
            As from `RawReader.read`.
        """
        for at, reader in self._readers.items():
            if at not in self._reads:
                self._reads[at] = asyncio.create_task(reader.read(wait_ms=wait_ms))
        done, _ = await asyncio.wait(self._reads.values(), return_when=asyncio.FIRST_COMPLETED)
        finished = [at for at, read in self._reads.items() if read in done]
        runs = [(at, self._reads.pop(at).result()) for at in finished]
        self._positions |= {at: self._readers[at].offset for at in finished}
        return [_run(at, records) for at, records in runs if len(records)]


def _run(at: At, records: RawRecords) -> Run:
    data = records.data.tobytes()
    places = zip(records.starts.tolist(), records.ends.tolist(), strict=True)
    values = [None if start < 0 else data[start:end] for start, end in places]
    return Run(at=at, offsets=records.offsets.tolist(), values=values)
