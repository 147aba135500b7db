"""Brings the tables of identity to where this version of the program needs them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from api import migrating
from api.migrating import Migrations

VERSION_TABLE = "identity_version"
_MIGRATIONS = Migrations(
    folder=Path(__file__).parent / "migrations", version_table=VERSION_TABLE, lock_number=5_004_117
)


def migrate(database: Engine) -> None:
    """Run the revisions that the database has not seen; of several processes at once, one does it."""
    migrating.migrate(database, _MIGRATIONS)
