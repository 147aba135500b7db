"""How the history's database is opened, by its writer and its readers."""

from __future__ import annotations

from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import URL, Engine, create_engine, event, make_url

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
    return database


def _patience(url: URL) -> dict[str, int]:
    """Give what the driver is told about silence, but for what the URL says itself."""
    if url.get_backend_name() != "postgresql":
        return {}
    return {name: value for name, value in _POSTGRESQL_PATIENCE.items() if name not in url.query}
