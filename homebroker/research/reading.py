"""Bounded reads of a topic: which offsets answer the question, and their records as one table.

A read ends where the topic ended when it began, so it ends also while the market goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from engine.batches import RawRecords
from engine.log import Connection, LogError, LogReader, missing_topics
from engine.log.raw_reading import RawReader
from homebroker.research.command_log import cut
from homebroker.research.errors import NoMarketError
from homebroker.research.pieces import Pieces
from homebroker.research.progress import Progress
from homebroker.research.schemas import TIME_FIELD

SHARD: Final = 0
_ANSWER_MAX_S: Final = 5.0
_WAIT_MS: Final = 1_000
_SILENT_READS_MAX: Final = 10
_FETCH_BYTES_MAX: Final = 4 * 1024 * 1024
# A restarted engine may repeat records behind newer ones, up to so many; reading begins that much earlier,
# so that each repeat comes after what it repeats and can be told.
_REPEATS_MAX = 1_000
_WINDOW_MIN = 10_000
_WINDOW_GROWTH: Final = 4


class Topic(Struct, frozen=True, kw_only=True):
    """A topic and what makes a table of its records."""

    name: str
    pieces: Callable[[], Pieces]


class Request(Struct, frozen=True, kw_only=True):
    """Which rows are wanted.

    Parameters
    ----------
    since_ms, until_ms : int or None
        From this time on, and before that one.
    limit : int or None
        At most so many rows, the newest.
    first : int or None
        At most so many rows, the oldest.
    wanted : dict
        Values of columns that the rows must have.
    """

    since_ms: int | None = None
    until_ms: int | None = None
    limit: int | None = None
    first: int | None = None
    wanted: dict[str, str] = {}


class Span(NamedTuple):
    """Offsets of a topic: rows from `begin` to before `end` count, reading begins at `start`."""

    start: int
    begin: int
    end: int


class StalledError(LogError):  # type: ignore[misc]
    """Records that the topic said it had do not come."""


@asynccontextmanager
async def open_topic(connection: Connection, topic: str) -> AsyncIterator[LogReader]:
    """Open a topic for reading.

    Raises
    ------
    NoMarketError
        When nothing answers within a few seconds, stops answering, or has no such topic.
    """
    try:
        async with asyncio.timeout(_ANSWER_MAX_S):
            missing = await missing_topics(connection, [topic])
    except (LogError, TimeoutError) as error:
        raise NoMarketError.at(connection, "nothing answers there as Kafka does") from error
    if missing:
        raise NoMarketError.at(connection, f"Kafka answers, but has no topic {topic}")
    try:
        async with LogReader(connection) as reader:
            yield reader
    except LogError as error:
        raise NoMarketError.at(connection, f"Kafka no longer answers ({type(error).__name__})") from error


async def read_table(
    connection: Connection, topic: Topic, request: Request, *, progress: bool = True
) -> pa.Table:
    """Read the rows that a request asks for, oldest first. Cost O(records read)."""
    async with open_topic(connection, topic.name) as reader:
        start, end = await _bounds(reader, topic.name, request)
        read = _Reading(connection, topic, request, Progress(topic.name, shown=progress))
        if request.limit is None:
            return await read.span(Span(start, start, end))
        window = max(request.limit, _WINDOW_MIN)
        while True:
            begin = max(start, end - window)
            table = await read.span(Span(max(start, begin - _REPEATS_MAX), begin, end))
            if table.num_rows >= request.limit or begin == start:
                return table.slice(max(0, table.num_rows - request.limit))
            window *= _WINDOW_GROWTH


async def records_between(
    connection: Connection, topic: str, start: int, end: int, progress: Progress
) -> AsyncIterator[RawRecords]:
    """Read a topic's records from one offset to before another, a fetch at a time."""
    if start >= end:
        return
    silent_reads = 0
    with progress.of(end - start):
        async with RawReader(connection, topic, SHARD, offset=start, bytes_max=_FETCH_BYTES_MAX) as reader:
            while reader.offset < end:
                before = reader.offset
                records = await reader.read(wait_ms=_WAIT_MS)
                silent_reads = 0 if len(records) else silent_reads + 1
                if silent_reads >= _SILENT_READS_MAX:
                    raise StalledError
                last = int(np.searchsorted(records.offsets, end))
                if last:
                    yield cut(records, 0, last)
                progress.done(min(reader.offset, end) - before)


async def _bounds(reader: LogReader, topic: str, request: Request) -> tuple[int, int]:
    start, end = await reader.first_offset(topic, SHARD), await reader.end_offset(topic, SHARD)
    if request.since_ms is not None:
        start = max(start, await reader.offset_at(topic, SHARD, request.since_ms))
    return start, end


class _Reading:
    """One answer on its way."""

    def __init__(self, connection: Connection, topic: Topic, request: Request, progress: Progress) -> None:
        self._connection = connection
        self._topic = topic
        self._request = request
        self._progress = progress

    async def span(self, span: Span) -> pa.Table:
        pieces = self._topic.pieces()
        parts = [pieces.schema.empty_table()]
        rows = 0
        records = records_between(self._connection, self._topic.name, span.start, span.end, self._progress)
        async for fetched in records:
            # The next fetch comes in while compiled code, which needs no interpreter, is at this one.
            part = await asyncio.to_thread(self._part, pieces, fetched, span.begin)
            parts.append(part)
            rows += part.num_rows
            if self._request.first is not None and rows >= self._request.first:
                await records.aclose()  # type: ignore[attr-defined]
                break
        table = pa.concat_tables(parts)
        return table if self._request.first is None else table.slice(0, self._request.first)

    def _part(self, pieces: Pieces, records: RawRecords, begin: int) -> pa.Table:
        table = pieces.piece(records, begin)
        masks: list[Any] = []
        if self._request.since_ms is not None:
            masks.append(pc.greater_equal(table.column(TIME_FIELD), self._request.since_ms))
        if self._request.until_ms is not None:
            masks.append(pc.less(table.column(TIME_FIELD), self._request.until_ms))
        masks += [pc.equal(table.column(name), value) for name, value in self._request.wanted.items()]
        for mask in masks[1:]:
            masks[0] = pc.and_(masks[0], mask)
        return table.filter(masks[0]) if masks else table
