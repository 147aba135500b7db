"""How batches get into PostgreSQL: binary COPY, by way of a staging table where keys may be there already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Double, Integer, String, Table, select, table
from sqlalchemy import column as named
from sqlalchemy.dialects import postgresql

from api.recorder.upserts import Upsert

_LOCK_NUMBER = 5_004_119
_TYPES: tuple[tuple[type[Any], str], ...] = (
    (BigInteger, "int8"),
    (Integer, "int4"),
    (Double, "float8"),
    (Boolean, "bool"),
    (String, "text"),
)


class PostgresqlWriter:
    """Writes rows by COPY: binary, since psycopg then converts numbers without making texts of them."""

    def __init__(self) -> None:
        self._statements: dict[str, str] = {}

    def begin(self, connection: Connection) -> None:
        """Wait until no other recorder is in the middle of a batch."""
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_NUMBER})")

    def add(self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write rows that are not there yet."""
        if rows:
            _copy(connection, table, table.name, rows)

    def put(self, connection: Connection, upsert: Upsert, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write rows, each in its own way where its key is there already."""
        if not rows:
            return
        staging = f"new_{upsert.table.name}"
        connection.exec_driver_sql(
            f'CREATE TEMP TABLE IF NOT EXISTS "{staging}" (LIKE "{upsert.table.name}") ON COMMIT DELETE ROWS'
        )
        _copy(connection, upsert.table, staging, rows)
        if upsert.name not in self._statements:
            self._statements[upsert.name] = _upsert_text(upsert, staging)
        connection.exec_driver_sql(self._statements[upsert.name])
        connection.exec_driver_sql(f'TRUNCATE "{staging}"')


def _copy(connection: Connection, shape: Table, target: str, rows: Sequence[tuple[Any, ...]]) -> None:
    names = ", ".join(f'"{column.name}"' for column in shape.columns)
    driver: Any = connection.connection.driver_connection
    with driver.cursor().copy(f'COPY "{target}" ({names}) FROM STDIN (FORMAT BINARY)') as copying:
        copying.set_types([_type(column.type) for column in shape.columns])
        for row in rows:
            copying.write_row(row)


def _type(of_column: Any) -> str:
    return next(name for kind, name in _TYPES if isinstance(of_column, kind))


def _upsert_text(upsert: Upsert, staging: str) -> str:
    names = [column.name for column in upsert.table.columns]
    new = table(staging, *(named(name) for name in names))
    insert = postgresql.insert(upsert.table).from_select(names, select(new))
    if upsert.set:
        changes = upsert.changes(insert.excluded, "postgresql")
        statement = insert.on_conflict_do_update(index_elements=upsert.key, set_=changes)
    else:
        statement = insert.on_conflict_do_nothing(index_elements=upsert.key)
    return str(statement.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
