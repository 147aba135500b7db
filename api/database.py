"""How the history's database is opened, by its writer and its readers."""

from __future__ import annotations

import os
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

_BUSY_TIMEOUT_MS = 5_000

_POSTGRESQL_PATIENCE = {
    # A server that is gone without a word is given up, and so is a connection that it no longer answers on.
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def open_database(url: str, *, flushed: bool = False) -> Engine:
    """Open a database; its first use connects.

    SQLite keeps a write-ahead log, so that readers and the one writer do not wait for each other.

    Parameters
    ----------
    url : str
        Any SQLAlchemy URL.
    flushed : bool
        Whether SQLite puts each commit on the disk. The history does without: a power cut may take its newest
        commits, rows and positions alike, and the recorder reads them from Kafka again.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True, connect_args=_patience(parsed))
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    database = create_engine(parsed, connect_args={"timeout": _BUSY_TIMEOUT_MS / 1_000})

    def prepare(connection: SqliteConnection, _record: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if flushed else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys = ON")

    event.listen(database, "connect", prepare)
    if not flushed:
        _leave_lost_files(database)
    return database


def _leave_lost_files(database: Engine) -> None:
    """Open SQLite's file anew when another, or none, is in its place: what is written to it would be lost."""
    path = database.url.database
    if not path or path == ":memory:":
        return

    def identity() -> tuple[int, int] | None:
        try:
            found = os.stat(path)  # noqa: PTH116 - a microsecond, before each use
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def opened(_connection: SqliteConnection, record: Any) -> None:
        record.info["file"] = identity()

    def look(_connection: SqliteConnection, record: Any, _proxy: object) -> None:
        if record.info["file"] != identity():
            raise DisconnectionError("the database's file is another one now")

    event.listen(database, "connect", opened)
    event.listen(database, "checkout", look)


def trouble_of_database(error: SQLAlchemyError) -> str:
    """Say why a database could not be written, and what to do."""
    cause = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    told = cause.lower()
    for words, what in _TROUBLES.items():
        if any(word in told for word in words):
            return f"The database cannot be written: {cause}; {what}"
    return f"The database cannot be written: {cause}; see that it runs and its disk is well"


_TROUBLES = {
    ("is full", "no space", "disk i/o error"): "make room on its disk",
    ("readonly", "read-only", "unable to open", "permission denied"): "make its file and folder writable",
    ("locked", "lock timeout"): "end whatever holds it locked",
    ("connection",): "see that it runs and can be reached",
    ("malformed", "not a database"): "move its file away, and it is made anew from Kafka",
}


def _patience(url: URL) -> dict[str, int]:
    """Give what the driver is told about silence, but for what the URL says itself."""
    if url.get_backend_name() != "postgresql":
        return {}
    return {name: value for name, value in _POSTGRESQL_PATIENCE.items() if name not in url.query}
