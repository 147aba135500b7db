"""Brings tables to where this version of the program needs them."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from msgspec import Struct
from sqlalchemy import Connection, Engine, text


class Migrations(Struct, frozen=True, kw_only=True):
    """A folder of revisions, and the table that tells which of them a database has seen.

    The table has a name of its own: in PostgreSQL users and history live in the same database. Of several
    processes at once, `lock_number` lets one work there.
    """

    folder: Path
    version_table: str
    lock_number: int


def migrate(database: Engine, migrations: Migrations, *, seen: str | None = None) -> None:
    """Run the revisions that the database has not seen; of several processes at once, one does it.

    All of them happen, or none.

    Parameters
    ----------
    seen : str, optional
        The revision that tables made before there were revisions are of.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations.folder).replace("%", "%%"))
    head = ScriptDirectory.from_config(config).get_current_head()
    with database.begin() as connection:
        if revision(connection, migrations) == head:
            return
    with database.begin() as connection:
        _lock(connection, migrations.lock_number)
        config.attributes["connection"] = connection
        if seen is not None and revision(connection, migrations) is None:
            command.stamp(config, seen)
        command.upgrade(config, "head")


def revision(connection: Connection, migrations: Migrations) -> str | None:
    """Tell which revision a database is of; None when it has seen none."""
    return MigrationContext.configure(
        connection, opts={"version_table": migrations.version_table}
    ).get_current_revision()


def _lock(connection: Connection, number: int) -> None:
    if connection.dialect.name == "sqlite":
        # The driver itself would begin only before the first row is written, after the tables are made.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
