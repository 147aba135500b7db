"""From times to places in the log: its time never goes back, so one follows from the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, false, func, or_, select

from api.recorder.tables import history_begins, positions_in_log


def within(
    connection: Connection, table: Table, start_ms: int | None, end_ms: int | None
) -> list[ColumnElement[bool]]:
    """Give the conditions on a table of records that its rows are of a span of time, both ends included.

    They are on the identity, by which the rows are ordered and indexed. Cost O(log rows) look-ups.
    """
    if start_ms is None and end_ms is None:
        return []
    spans: list[ColumnElement[bool]] = []
    for shard in _shards(connection, table.name):
        of_shard: list[ColumnElement[bool]] = [table.c.shard == shard]
        if start_ms is not None:
            of_shard.append(table.c["offset"] >= first_offset(connection, table, shard, start_ms))
        if end_ms is not None:
            of_shard.append(table.c["offset"] < first_offset(connection, table, shard, end_ms + 1))
        spans.append(and_(*of_shard))
    return [or_(*spans) if spans else false()]


def begins_at(connection: Connection) -> int | None:
    """Give the time from which on all records are there; None where none was ever deleted."""
    found = connection.execute(select(func.max(history_begins.c.time_ms))).scalar()
    return None if found is None else int(found)


def first_offset(connection: Connection, table: Table, shard: int, time_ms: int) -> int:
    """Give an offset that divides a shard's rows: those from it on are not older than a time, others are."""
    offset = table.c["offset"]
    # One at a time: asked for both, SQLite reads the whole table.
    low, high = (
        connection.execute(select(end(offset)).where(table.c.shard == shard)).scalar()
        for end in (func.min, func.max)
    )
    if low is None or high is None:
        return 0
    high += 1
    at = select(offset, table.c.time_ms).where(table.c.shard == shard).order_by(offset).limit(1)
    while low < high:
        middle = (low + high) // 2
        found = connection.execute(at.where(offset >= middle)).one()
        if found.time_ms < time_ms:
            low = found.offset + 1
        else:
            high = middle
    return int(low)


def _shards(connection: Connection, topic: str) -> Sequence[Any]:
    table = positions_in_log.c
    return connection.execute(select(table.partition).where(table.topic == topic)).scalars().all()
