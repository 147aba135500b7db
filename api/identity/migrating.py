"""Brings the tables of identity to where this version of the program needs them."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

VERSION_TABLE = "identity_version"
"""Not Alembic's default name: in PostgreSQL the history's tables live in the same database."""

_LOCK_NUMBER = 5_004_117


def migrate(database: Engine) -> None:
    """Run the revisions that the database has not seen; of several processes at once, one does it.

    All of them happen, or none.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    head = ScriptDirectory.from_config(config).get_current_head()
    with database.begin() as connection:
        if _revision(connection) == head:
            return
    with database.begin() as connection:
        _lock(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    ).get_current_revision()


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # The driver itself would begin only before the first row is written, after the tables are made.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
