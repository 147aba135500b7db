"""The database of identity, as asynchronous code uses it: one transaction at a time in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import DatabaseError, IntegrityError, InterfaceError

from api.database import open_database
from api.identity.migrating import migrate

_T = TypeVar("_T")
_AT_ONCE = 2
_SQLITE_FILE = "users.sqlite"


class IdentityUnavailableError(Exception):
    """The database does not answer: who asks cannot be told, nor can anything about users be changed."""


def identity_url(database_url: str) -> str:
    """Give the database of identity: the history's own, or with SQLite a file beside the history's.

    SQLite has one writer at a time, and signing in must not wait for the recorder. Nor must users be lost
    with a history that is deleted to be written anew.
    """
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return database_url
    assert url.database is not None
    beside = Path(url.database).with_name(_SQLITE_FILE)
    return url.set(database=str(beside)).render_as_string(hide_password=False)


class IdentityDatabase:
    """Runs work in transactions, in threads of its own."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = open_database(url, flushed=True)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="identity")

    async def prepare(self) -> None:
        """Make or change the tables as this version needs them.

        Raises
        ------
        IdentityUnavailableError
            When the database does not answer; as from `run`.
        """
        await self._in_thread(self._prepare)

    async def run(self, work: Callable[[Connection], _T]) -> _T:
        """Run work in a transaction, which is kept whole or not at all.

        Raises
        ------
        IdentityUnavailableError
            When the database does not answer, or not in time.
        """

        def in_transaction() -> _T:
            with self.engine.begin() as connection:
                return work(connection)

        return await self._in_thread(in_transaction)

    def close(self) -> None:
        """End the threads and the connections; blocks until what runs is done."""
        self._threads.shutdown()
        self.engine.dispose()

    def _prepare(self) -> None:
        url = self.engine.url
        if url.get_backend_name() == "sqlite" and url.database:
            # Before SQLite makes it: others on this machine have no business with hashes of passwords.
            Path(url.database).touch(mode=0o600)
        migrate(self.engine)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except IntegrityError:
            raise
        except (DatabaseError, InterfaceError) as error:
            raise IdentityUnavailableError(str(error)) from error
