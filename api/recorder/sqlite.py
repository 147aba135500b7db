"""How batches get into SQLite: its driver's own `executemany`, a batch in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import Insert

from api.recorder.upserts import Upsert

_DIALECT = sqlite.dialect(paramstyle="qmark")


class SqliteWriter:
    """Writes rows as tuples, which SQLAlchemy itself would want as dicts."""

    def __init__(self) -> None:
        self._statements: dict[str, str] = {}

    def begin(self, connection: Connection) -> None:
        """Take the one place of a writer before anything is read."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def add(self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write rows that are not there yet."""
        if rows:
            connection.exec_driver_sql(self._statement(table.name, sqlite.insert(table)), list(rows))

    def put(self, connection: Connection, upsert: Upsert, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write rows, each in its own way where its key is there already."""
        if rows:
            statement = self._statement(f"put {upsert.name}", _upserting(upsert))
            connection.exec_driver_sql(statement, list(rows))

    def _statement(self, name: str, statement: Insert) -> str:
        if name not in self._statements:
            self._statements[name] = str(statement.compile(dialect=_DIALECT))
        return self._statements[name]


def _upserting(upsert: Upsert) -> Insert:
    insert = sqlite.insert(upsert.table)
    if not upsert.set:
        return insert.on_conflict_do_nothing(index_elements=upsert.key)
    changes = upsert.changes(insert.excluded, "sqlite")
    return insert.on_conflict_do_update(index_elements=upsert.key, set_=changes)
