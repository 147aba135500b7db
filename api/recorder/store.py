"""Writes batches to the database: rows and the positions in the log in one transaction, each row once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import structlog
from sqlalchemy import Connection, Engine, Table, and_, inspect, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from api.database import open_database
from api.recorder.rows import Batch, Row
from api.recorder.tables import (
    FORMAT,
    account_minutes,
    accounts,
    assets,
    executions,
    history_format,
    metadata,
    orders,
    position_minutes,
    positions,
    positions_in_log,
    transactions,
)

_Insert: TypeAlias = Any
"""An INSERT of a dialect that knows ON CONFLICT; SQLAlchemy's two have no common type."""
_INSERTS: Mapping[str, Callable[[Table], _Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}

_log = structlog.get_logger("recorder")


class UnsupportedDatabaseError(ValueError):
    """A database whose dialect has no ON CONFLICT here."""


class HistoryStore:
    """The history's tables; the methods block and belong in a thread."""

    def __init__(self, database_url: str) -> None:
        self._database: Engine = open_database(database_url)
        name = self._database.dialect.name
        if name not in _INSERTS:
            raise UnsupportedDatabaseError(f"The history is kept in SQLite or PostgreSQL, not in {name}.")
        self._insert = _INSERTS[name]

    def close(self) -> None:
        """Close the connections."""
        self._database.dispose()

    def positions(self) -> dict[tuple[str, int], int]:
        """Give the next offset to read of each (topic, partition) that was ever read."""
        if not inspect(self._database).has_table(positions_in_log.name):
            return {}
        with self._database.connect() as connection:
            return {
                (row.topic, row.partition): row.next_offset
                for row in connection.execute(select(positions_in_log))
            }

    def prepare(self) -> None:
        """Make the tables that are missing; where they are of another format, make all anew, empty."""
        if inspect(self._database).has_table(positions_in_log.name) and self._format() != FORMAT:
            _log.warning("the history has another format; writing it anew from the log")
            metadata.drop_all(self._database)
        metadata.create_all(self._database)
        with self._database.begin() as connection:
            # The last step: until it is done, a start begins anew.
            connection.execute(self._insert(history_format).on_conflict_do_nothing(), {"format": FORMAT})

    def _format(self) -> int | None:
        if not inspect(self._database).has_table(history_format.name):
            return None
        with self._database.connect() as connection:
            return connection.execute(select(history_format.c.format)).scalar()

    def write(self, batch: Batch) -> None:
        """Write a batch whole or not at all; again, and nothing changes."""
        with self._database.begin() as connection:
            self._add_new(connection, transactions, batch.transactions)
            self._add_new(connection, executions, batch.executions)
            self._add_new(connection, orders, batch.refused_orders.values())
            self._put_newest(connection, orders, batch.started_orders.values())
            self._put_newest(connection, orders, batch.changed_orders.values(), keep="created_ms")
            self._put_newest(connection, accounts, batch.accounts.values())
            self._put_newest(connection, positions, batch.positions.values())
            self._put_newest(connection, account_minutes, batch.account_minutes.values())
            self._put_newest(connection, position_minutes, batch.position_minutes.values())
            self._put_newest(connection, assets, batch.assets.values())
            self._put_positions(connection, batch.next_offsets)

    def _add_new(self, connection: Connection, table: Table, rows: Iterable[Row]) -> None:
        if rows := list(rows):
            connection.execute(self._insert(table).on_conflict_do_nothing(), rows)

    def _put_newest(
        self, connection: Connection, table: Table, rows: Iterable[Row], *, keep: str | None = None
    ) -> None:
        if not (rows := list(rows)):
            return
        insert = self._insert(table)
        changed = {
            column.name: insert.excluded[column.name]
            for column in table.columns
            if not column.primary_key and column.name != keep
        }
        statement = insert.on_conflict_do_update(
            index_elements=[column.name for column in table.primary_key],
            set_=changed,
            where=_is_later(insert.excluded, table.c),
        )
        connection.execute(statement, rows)

    def _put_positions(self, connection: Connection, next_offsets: Mapping[tuple[str, int], int]) -> None:
        rows = [
            {"topic": topic, "partition": partition, "next_offset": offset}
            for (topic, partition), offset in next_offsets.items()
        ]
        if not rows:
            return
        insert = self._insert(positions_in_log)
        statement = insert.on_conflict_do_update(
            index_elements=["topic", "partition"],
            set_={"next_offset": insert.excluded.next_offset},
            where=insert.excluded.next_offset > positions_in_log.c.next_offset,
        )
        connection.execute(statement, rows)


def _is_later(new: Any, old: Any) -> Any:
    return or_(
        new["offset"] > old["offset"], and_(new["offset"] == old["offset"], new["index"] > old["index"])
    )
