"""Writes batches to the database: rows and the places in the log in one transaction, each row once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, inspect, select

from api.database import open_database
from api.recorder.migrating import migrate
from api.recorder.postgresql import PostgresqlWriter
from api.recorder.rows import At, Batch, Place, Row
from api.recorder.sqlite import SqliteWriter
from api.recorder.tables import (
    account_minutes,
    assets,
    executions,
    orders,
    position_minutes,
    positions,
    positions_in_log,
    transactions,
)
from api.recorder.upserts import ADDED_CANDLE, CHANGED_ORDER, NEWEST, NEWEST_ACCOUNT, REFUSED_ORDER, Upsert


class UnsupportedDatabaseError(ValueError):
    """A database that nobody here knows how to write fast and whole."""


class HistoryMovedError(Exception):
    """The database is not where a batch begins: another recorder writes to it."""


class Writer(Protocol):
    """What differs between databases; both are given rows as tuples in the order of their columns."""

    def begin(self, connection: Connection) -> None:
        """Keep other recorders waiting until the transaction ends."""
        ...

    def add(self, connection: Connection, table: Any, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write rows that are not there yet."""
        ...

    def put(self, connection: Connection, upsert: Upsert, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write rows, each in its own way where its key is there already."""
        ...


_WRITERS: Mapping[str, type[SqliteWriter] | type[PostgresqlWriter]] = {
    "sqlite": SqliteWriter,
    "postgresql": PostgresqlWriter,
}


class HistoryStore:
    """The history's tables; the methods block and belong in a thread."""

    def __init__(self, database_url: str) -> None:
        self.database: Engine = open_database(database_url)
        name = self.database.dialect.name
        if name not in _WRITERS:
            raise UnsupportedDatabaseError(f"The history is kept in SQLite or PostgreSQL, not in {name}.")
        self._writer: Writer = _WRITERS[name]()

    def close(self) -> None:
        """Close the connections."""
        self.database.dispose()

    def next_offsets(self) -> dict[At, int]:
        """Give the next offset to read of each topic and partition that was ever read, of any revision."""
        if not inspect(self.database).has_table(positions_in_log.name):
            return {}
        table = positions_in_log.c
        with self.database.connect() as connection:
            rows = connection.execute(select(table.topic, table.partition, table.next_offset))
            return {(row.topic, row.partition): row.next_offset for row in rows}

    def places(self) -> dict[At, Place]:
        """Give how far the history has read each topic and partition."""
        with self.database.connect() as connection:
            return read_places(connection)

    def prepare(self) -> None:
        """Make the tables that are missing, and bring older ones to what they are now."""
        migrate(self.database)

    def write(self, batch: Batch) -> None:
        """Write a batch whole or not at all.

        Raises
        ------
        HistoryMovedError
            When the database is not where the batch begins. Nothing was written.
        """
        with self.writing() as (connection, writer):
            stored = read_places(connection)
            if any(stored.get(at) != before for at, before in batch.before.items()):
                raise HistoryMovedError("another recorder has written to the database")
            self._write(connection, batch)
            after = [(*at, *_values(place)) for at, place in batch.after.items()]
            writer.put(connection, NEWEST[positions_in_log.name], after)

    @contextmanager
    def writing(self) -> Iterator[tuple[Connection, Writer]]:
        """Give a transaction in which nobody else writes."""
        with self.database.begin() as connection:
            self._writer.begin(connection)
            yield connection, self._writer

    def _write(self, connection: Connection, batch: Batch) -> None:
        self._writer.add(connection, transactions, batch.transactions)
        self._writer.add(connection, executions, batch.executions)
        self._writer.put(connection, ADDED_CANDLE, batch.candles)
        for upsert, rows in (
            (REFUSED_ORDER, batch.refused_orders),
            (NEWEST[orders.name], batch.started_orders),
            (CHANGED_ORDER, batch.changed_orders),
            (NEWEST_ACCOUNT, batch.accounts),
            (NEWEST[positions.name], batch.positions),
            (NEWEST[account_minutes.name], batch.account_minutes),
            (NEWEST[position_minutes.name], batch.position_minutes),
            (NEWEST[assets.name], batch.assets),
        ):
            self._writer.put(connection, upsert, _tuples(upsert, rows))


def read_places(connection: Connection) -> dict[At, Place]:
    """Give how far the history has read each topic and partition."""
    return {
        (row.topic, row.partition): Place(
            next_offset=row.next_offset,
            last_offset=row.last_offset,
            last_index=row.last_index,
            time_ms=row.time_ms,
            checksum=row.checksum,
        )
        for row in connection.execute(select(positions_in_log))
    }


def _values(place: Place) -> tuple[Any, ...]:
    return (place.next_offset, place.last_offset, place.last_index, place.time_ms, place.checksum)


def _tuples(upsert: Upsert, rows: Mapping[Any, Row]) -> list[tuple[Any, ...]]:
    names = [column.name for column in upsert.table.columns]
    return [tuple(row[name] for name in names) for row in rows.values()]
