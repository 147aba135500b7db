"""Follows the log and writes it to the history."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeAlias, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.collecting import uncollected
from api.database import trouble_of_database
from api.recorder import metrics
from api.recorder.provenance import ForeignHistoryError, check_ends, check_same_log, of_partition
from api.recorder.reading import RunReader
from api.recorder.retention import Retention
from api.recorder.rows import RECORDED_TOPICS, BatchReader, Run
from api.recorder.store import HistoryMovedError, HistoryStore
from engine.log import Connection, LogError, LogReader, Watchdog, missing_topics, trouble_of
from engine.progress import Report, State

_POLL_MS = 500
_REPORT_EVERY_S = 1.0
_LOOK_FOR_OLD_EVERY_S = 60.0
_PROBE_TIMEOUT_S = 5.0
_RETRY_FIRST_S = 0.5
_RETRY_MAX_S = 5.0

_Offsets: TypeAlias = Mapping[tuple[str, int], int]
_P = ParamSpec("_P")
_T = TypeVar("_T")

_log = structlog.get_logger("recorder")


async def run(connection: Connection, database_url: str, *, history_days: int = 0, report: Report) -> None:
    """Write history until cancelled; after any trouble go on from what the database has.

    Parameters
    ----------
    connection : Connection
        The Kafka that holds the market.
    database_url : str
        Where the history is kept: SQLite or PostgreSQL.
    history_days : int
        How many whole days of trades, executions and ended orders are kept; 0: all.
    report : Report
        Told where the recorder stands, about once a second.
    """
    store = HistoryStore(database_url)
    retention = Retention(store, history_days) if history_days else None
    retry_s = _RETRY_FIRST_S
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="database") as thread:
        try:
            while True:
                recorder = _Recorder(connection, store, thread, retention, report)
                try:
                    await recorder.record()
                except (LogError, TimeoutError) as error:
                    trouble, cause = trouble_of(error), error
                except SQLAlchemyError as error:
                    trouble, cause = trouble_of_database(error), error
                except ForeignHistoryError as error:
                    trouble, cause = str(error), error
                except HistoryMovedError as error:
                    trouble, cause = "Another recorder writes to this database; stop one of the two", error
                retry_s = _RETRY_FIRST_S if recorder.wrote else min(2 * retry_s, _RETRY_MAX_S)
                _log.warning(trouble, error=str(cause) or type(cause).__name__, retry_s=retry_s)
                report(State.RETRYING, f"{trouble}; trying again in {retry_s:.1f} s")
                await asyncio.sleep(retry_s)
        finally:
            store.close()


class _Recorder:
    """One life of the recorder: from the positions in the database until something breaks."""

    def __init__(
        self,
        connection: Connection,
        store: HistoryStore,
        thread: ThreadPoolExecutor,
        retention: Retention | None,
        report: Report,
    ) -> None:
        self._connection = connection
        self._store = store
        self._thread = thread
        self._report = report
        self._caught_up = False
        self._retention = retention
        self._delete_s = 0.0
        self._told_s = 0.0
        self._watchdogs = {topic: Watchdog(topic) for topic in RECORDED_TOPICS}
        self.wrote = False

    async def record(self) -> None:
        """Read and write; returns only by an error."""
        self._report(State.STARTING, "opening the database")
        await self._wait_for_topics()
        async with LogReader(self._connection) as reader:
            ends = await self._ends(reader)
            firsts = of_partition(await reader.first_offsets(RECORDED_TOPICS, 0), 0)
            # Another market's history is left as it is, of whatever revision.
            check_ends(await self._in_thread(self._store.next_offsets), ends)
            await self._in_thread(self._store.prepare)
            stored = await self._in_thread(self._store.places)
            await check_same_log(self._connection, stored, firsts)
            starts = {at: stored[at].next_offset if at in stored else 0 for at in firsts}
            positions = {at: max(first, starts[at]) for at, first in firsts.items()}
            async with RunReader(self._connection, positions) as runs:
                await self._write_all(runs, reader, BatchReader(stored), ends)

    async def _write_all(
        self, runs: RunReader, asking: LogReader, batches: BatchReader, ends: _Offsets
    ) -> None:
        while True:
            read = await runs.read(wait_ms=_POLL_MS)
            if read:
                with metrics.WRITE_SECONDS.time():
                    await self._in_thread(self._write, batches, read)
                metrics.RECORDS.inc(sum(len(run.offsets) for run in read))
                self.wrote = True
            positions = runs.positions
            caught_up = self._caught_up or all(positions[at] >= end for at, end in ends.items())
            if time.monotonic() - self._told_s >= _REPORT_EVERY_S or caught_up != self._caught_up:
                self._caught_up = caught_up
                await self._tell(positions, asking)
            if self._caught_up and self._retention is not None and time.monotonic() >= self._delete_s:
                # A piece at a time, between batches: whoever trades now does not wait for what is old.
                more = await self._in_thread(self._retention.delete_piece)
                self._delete_s = time.monotonic() + (0.0 if more else _LOOK_FOR_OLD_EVERY_S)

    def _write(self, batches: BatchReader, runs: list[Run]) -> None:
        with uncollected():
            self._store.write(batches.batch_of(runs))

    async def _tell(self, positions: _Offsets, asking: LogReader) -> None:
        self._told_s = time.monotonic()
        ends = await self._ends(asking)
        check_ends(positions, ends)
        lags = {at[0]: max(end - positions[at], 0) for at, end in ends.items()}
        for at, end in ends.items():
            self._watchdogs[at[0]].look(position=positions[at], end=end, now_s=time.monotonic())
            metrics.LAG_RECORDS.labels(at[0]).set(lags[at[0]])
        behind = sum(lags.values())
        written = sum(positions.values())
        state = State.READY if self._caught_up else State.STARTING
        self._report(state, f"{written:,} records in the history, {behind:,} to come")

    async def _wait_for_topics(self) -> None:
        while missing := await missing_topics(self._connection, RECORDED_TOPICS):
            self._report(State.STARTING, f"waiting for the topics {', '.join(sorted(missing))}")
            await asyncio.sleep(_REPORT_EVERY_S)

    @staticmethod
    async def _ends(reader: LogReader) -> dict[tuple[str, int], int]:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            return of_partition(await reader.end_offsets(RECORDED_TOPICS, 0), 0)

    async def _in_thread(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))
