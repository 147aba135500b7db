"""Brings the history's tables to where this version of the recorder needs them, with all that is in them."""

from __future__ import annotations

from pathlib import Path

import structlog
from sqlalchemy import Engine, MetaData, inspect, text

from api import migrating
from api.migrating import Migrations

VERSION_TABLE = "history_version"
_MIGRATIONS = Migrations(
    folder=Path(__file__).parent / "migrations", version_table=VERSION_TABLE, lock_number=5_004_118
)
_BEFORE_REVISIONS = "history_format"
_FORMAT_OF_FIRST = 2
_FIRST = "0001"

_log = structlog.get_logger("recorder")


def migrate(database: Engine) -> None:
    """Run the revisions that the database has not seen.

    A history from before there were revisions is taken as the first one. What came before that, in
    development, is written anew from the log.
    """
    seen = None
    tables = set(inspect(database).get_table_names())
    if VERSION_TABLE not in tables and "positions_in_log" in tables:
        if _has_first_format(database, tables):
            seen = _FIRST
        else:
            _drop(database, tables)
    migrating.migrate(database, _MIGRATIONS, seen=seen)


def _has_first_format(database: Engine, tables: set[str]) -> bool:
    if _BEFORE_REVISIONS not in tables:
        return False
    with database.connect() as connection:
        return connection.execute(text("SELECT format FROM history_format")).scalar() == _FORMAT_OF_FIRST


def _drop(database: Engine, tables: set[str]) -> None:
    _log.warning("the history is older than its first revision; writing it anew from the log")
    ours = MetaData()
    ours.reflect(database, only=sorted(_OURS & tables))
    ours.drop_all(database)


_OURS = frozenset(
    {
        "transactions",
        "executions",
        "orders",
        "accounts",
        "positions",
        "account_minutes",
        "position_minutes",
        "assets",
        "positions_in_log",
        "history_format",
    }
)
