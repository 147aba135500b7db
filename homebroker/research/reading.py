"""Bounded reads of a topic: which offsets answer the question, and their records as one table.

A read ends where the topic ended when it began, so it ends also while the market goes on.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pandas as pd
from msgspec import Struct

from engine.log import Connection, LogError, LogReader, LogRecord, missing_topics
from homebroker.research.errors import NoMarketError
from homebroker.research.frames import frame_of

SHARD = 0
_ANSWER_MAX_S = 5.0
_WAIT_MS = 1_000
_SILENT_READS_MAX = 10
# A restarted engine may repeat records behind newer ones, up to so many; reading begins that much earlier,
# so that each repeat comes after what it repeats and can be told.
_REPEATS_MAX = 1_000
_WINDOW_MIN = 10_000
_WINDOW_GROWTH = 4


class Table(Struct, frozen=True, kw_only=True):
    """How a topic's records become rows.

    Parameters
    ----------
    topic : str
        The topic's name.
    decode : callable
        Turns records of the log into what they say, each with a `time_ms`.
    seen : callable
        Makes a predicate that tells, of each decoded record in turn, whether it is no repeat.
    row_type : type
        What a row is.
    expand : callable or None
        Gives a decoded record's rows, where it is not a row itself.
    """

    topic: str
    decode: Callable[[Sequence[LogRecord]], list[Any]]
    seen: Callable[[], Callable[[Any], bool]]
    row_type: type[Struct]
    expand: Callable[[Any], Iterable[Struct]] | None = None


class Request(Struct, frozen=True, kw_only=True):
    """Which rows are wanted: from a time on, at most so many (the newest), and such as `matches` says."""

    since_ms: int | None = None
    limit: int | None = None
    matches: Callable[[Any], bool] | None = None


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


async def read_table(connection: Connection, table: Table, request: Request) -> pd.DataFrame:
    """Read the rows that a request asks for, oldest first. Cost O(records read)."""
    async with open_topic(connection, table.topic) as reader:
        start = await reader.first_offset(table.topic, SHARD)
        end = await reader.end_offset(table.topic, SHARD)
        if request.since_ms is not None:
            start = max(start, await reader.offset_at(table.topic, SHARD, request.since_ms))
        if request.limit is None:
            return await _read_span(reader, table, request, start=start, begin=start, end=end)
        window = max(request.limit, _WINDOW_MIN)
        while True:
            begin = max(start, end - window)
            repeated = max(start, begin - _REPEATS_MAX)
            frame = await _read_span(reader, table, request, start=repeated, begin=begin, end=end)
            if len(frame) >= request.limit or begin == start:
                return frame.tail(request.limit)
            window *= _WINDOW_GROWTH


async def _read_span(
    reader: LogReader, table: Table, request: Request, *, start: int, begin: int, end: int
) -> pd.DataFrame:
    is_new = table.seen()
    pieces = []
    with _cycle_collector_paused():
        async for records in _records_between(reader, table.topic, start, end):
            piece = _piece(table, request, is_new, records, begin)
            if len(piece):
                pieces.append(piece)
    return pd.concat(pieces) if pieces else frame_of(table.row_type, [])


def _piece(
    table: Table, request: Request, is_new: Callable[[Any], bool], records: list[LogRecord], begin: int
) -> pd.DataFrame:
    if records[0].offset < begin:
        older = sum(record.offset < begin for record in records)
        for record in table.decode(records[:older]):
            is_new(record)
        records = records[older:]
    kept = list(filter(is_new, table.decode(records)))
    if request.since_ms is not None:
        kept = [record for record in kept if record.time_ms >= request.since_ms]
    if request.matches is not None:
        kept = list(filter(request.matches, kept))
    rows = kept if table.expand is None else [row for record in kept for row in table.expand(record)]
    return frame_of(table.row_type, rows)


async def _records_between(
    reader: LogReader, topic: str, start: int, end: int
) -> AsyncIterator[list[LogRecord]]:
    if start >= end:
        return
    reader.start({(topic, SHARD): start})
    silent_reads = 0
    while await reader.position(topic, SHARD) < end:
        records = await reader.read(wait_ms=_WAIT_MS)
        silent_reads = 0 if records else silent_reads + 1
        if silent_reads >= _SILENT_READS_MAX:
            raise StalledError
        if records and records[-1].offset >= end:
            records = [record for record in records if record.offset < end]
        if records:
            yield records


@contextmanager
def _cycle_collector_paused() -> Iterator[None]:
    """Spare the collector of cycles the many records that come and go here, which have none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
