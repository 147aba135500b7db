"""The tables of identity and how they come to be, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.engine import Engine

from api.database import open_database
from api.identity import sessions, users
from api.identity.callers import Role
from api.identity.database import IdentityUnavailableError, identity_url
from api.identity.directory import UserChange
from api.identity.migrating import VERSION_TABLE, migrate
from api.identity.recognition import STALE_MAX_S, Recognition, UnknownCallerError
from api.identity.service import Identity
from api.identity.sign_in import WrongPasswordError
from api.identity.tables import metadata
from api.identity.tokens import AccessTokens, BadTokenError
from api.recorder.tables import metadata as history_metadata
from tests.market import TIMEOUT_S
from tests.postgresql import empty_database


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'users.sqlite'}"
        return
    with empty_database(request.getfixturevalue("postgresql_server")) as url:
        yield url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """Give the database, opened as the API opens it."""
    engine = open_database(url, flushed=True)
    yield engine
    engine.dispose()


@pytest.fixture
async def identity(url: str) -> AsyncIterator[Identity]:
    """Give identity on that database."""
    identity = Identity(url, secret_key="", with_demo=True)
    async with identity.running():
        yield identity


def test_the_revisions_make_the_tables_that_the_program_uses(engine: Engine) -> None:
    # In PostgreSQL the history's tables are there, too, and are no business of these revisions.
    history_metadata.create_all(engine)
    migrate(engine)
    migrate(engine)
    with engine.connect() as connection:
        options = {
            "version_table": VERSION_TABLE,
            "compare_type": True,
            "include_name": lambda name, kind, _: kind != "table" or name in metadata.tables,
        }
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    assert differences == []


def test_of_many_processes_that_start_at_once_one_makes_the_tables(url: str) -> None:
    engines = [open_database(url, flushed=True) for _ in range(6)]
    with ThreadPoolExecutor(len(engines)) as threads:
        list(threads.map(migrate, engines))
    assert set(inspect(engines[0]).get_table_names()) >= set(metadata.tables)
    for engine in engines:
        engine.dispose()


def test_a_revision_that_fails_leaves_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE audit (x INTEGER)"))
    with pytest.raises(Exception, match="audit"):
        migrate(engine)
    assert inspect(engine).get_table_names() == ["audit"]


def test_users_are_beside_an_sqlite_history_and_else_in_its_database(tmp_path: Path) -> None:
    beside = identity_url(f"sqlite:///{tmp_path / 'history.sqlite'}")
    assert beside == f"sqlite:///{tmp_path / 'users.sqlite'}"
    there = "postgresql+psycopg://me:secret@db/market"
    assert identity_url(there) == there


def _modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


async def test_nobody_else_on_the_machine_reads_the_hashes(tmp_path: Path) -> None:
    path = tmp_path / "users.sqlite"
    async with Identity(f"sqlite:///{path}", secret_key="", with_demo=True).running():
        modes = await asyncio.to_thread(_modes, tmp_path)
    assert modes.keys() == {"users.sqlite", "users.sqlite-wal", "users.sqlite-shm"}
    assert set(modes.values()) == {0o600}


async def test_everything_about_users_works_on_both_databases(identity: Identity) -> None:
    directory = identity.directory
    user = await directory.make_user(
        username="zoe",
        password="a-long-password",
        role=Role.TRADER,
        investor_id=None,
        actor="test",
        address="here",
    )
    with pytest.raises(users.TakenError):
        await directory.make_user(
            username="rui",
            password="a-long-password",
            role=Role.TRADER,
            investor_id=user.investor_id,
            actor="test",
            address="here",
        )
    known = await identity.sign_in.check("Zoe", "a-long-password", address="here")
    pair = await identity.open_for_tokens(known, address="here")
    caller = await identity.recognition.caller(pair.access_token)
    assert (caller.username, caller.investor_id) == ("zoe", user.investor_id)
    answers = await asyncio.gather(
        *(identity.refresh(pair.refresh_token, address="here") for _ in range(8)), return_exceptions=True
    )
    assert sum(not isinstance(answer, UnknownCallerError) for answer in answers) <= 1
    cookie = await identity.open_for_browser(known, address="here", replaced=None)
    assert (await identity.recognition.caller(cookie)).user_id == user.user_id
    browser = await identity.recognition.caller(cookie)
    _, key = await directory.make_key(browser, name="k", read_only=True, expires_ms=None, address="here")
    assert (await identity.recognition.caller(key)).read_only
    with pytest.raises(users.LastAdminError):
        await directory.change_user("admin", UserChange(disabled=True), actor="test", address="here")
    changed = await directory.change_user("zoe", UserChange(disabled=True), actor="test", address="here")
    assert changed is not None
    assert changed.disabled
    for credential in (cookie, key, pair.access_token):
        with pytest.raises(UnknownCallerError):
            await identity.recognition.caller(credential)
    page = await identity.journal.page(before_id=None, limit=100)
    assert [entry.act for entry in page if entry.subject == "zoe"][-1] == "make_user"
    assert all(entry.detail is not None for entry in page)


async def test_old_sessions_are_forgotten_and_new_ones_are_not(identity: Identity) -> None:
    known = await identity.sign_in.check("demo", "demo-trader", address="here")
    cookie = await identity.open_for_browser(known, address="here", replaced=None)
    tokens = await identity.open_for_tokens(known, address="here")

    async def count(after_ms: int) -> int:
        def forget_and_count(connection) -> int:  # type: ignore[no-untyped-def]
            now_ms = connection.execute(text("SELECT max(created_ms) FROM sessions")).scalar_one()
            sessions.forget_old(connection, now_ms=now_ms + after_ms)
            return int(connection.execute(text("SELECT count(*) FROM sessions")).scalar_one())

        return await identity.database.run(forget_and_count)

    assert await count(0) == 2
    assert (await identity.recognition.caller(cookie)).username == "demo"
    assert await count(sessions.BROWSER_SESSION_LIFE_MS + 25 * 3_600_000) == 1
    assert (await identity.recognition.caller(tokens.access_token)).username == "demo"


async def test_while_the_database_is_away_those_who_were_known_are_still_for_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.identity.recognition.FRESH_S", 0.0)
    identity = Identity(f"sqlite:///{tmp_path / 'users.sqlite'}", secret_key="", with_demo=True)
    async with identity.running():
        known = await identity.sign_in.check("demo", "demo-trader", address="here")
        cookie = await identity.open_for_browser(known, address="here", replaced=None)
        other = await identity.open_for_browser(known, address="here", replaced=None)
        assert (await identity.recognition.caller(cookie)).username == "demo"
        with identity.database.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE sessions RENAME TO hidden")
        assert (await identity.recognition.caller(cookie)).username == "demo"
        with pytest.raises(IdentityUnavailableError):
            await identity.recognition.caller(other)
        monkeypatch.setattr("api.identity.recognition.STALE_MAX_S", -1.0)
        with pytest.raises(IdentityUnavailableError):
            await identity.recognition.caller(cookie)
    assert STALE_MAX_S == 60


async def test_a_locked_database_makes_nobody_wait_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.database._BUSY_TIMEOUT_MS", 50)
    identity = Identity(f"sqlite:///{tmp_path / 'users.sqlite'}", secret_key="", with_demo=True)
    async with identity.running():
        other = sqlite3.connect(tmp_path / "users.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(IdentityUnavailableError):
            await identity.sign_in.check("demo", "a wrong one", address="here")
        other.execute("ROLLBACK")
        other.close()


async def test_a_database_that_comes_late_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.identity.service._RETRY_S", 0.05)
    path = tmp_path / "users.sqlite"
    path.write_text("this is no database, but it will be gone in a moment")
    identity = Identity(f"sqlite:///{path}", secret_key="", with_demo=True)
    async with identity.running():
        with pytest.raises(IdentityUnavailableError):
            await identity.sign_in.check("demo", "demo-trader", address="here")
        path.unlink()
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                try:
                    await identity.sign_in.check("demo", "demo-trader", address="there")
                    break
                except (IdentityUnavailableError, WrongPasswordError):
                    # The tables are there a moment before the demo's users.
                    await asyncio.sleep(0.05)


async def test_what_was_read_before_a_revocation_is_not_remembered_after_it(tmp_path: Path) -> None:
    identity = Identity(f"sqlite:///{tmp_path / 'users.sqlite'}", secret_key="", with_demo=True)
    async with identity.running():
        known = await identity.sign_in.check("demo", "demo-trader", address="here")
        cookie = await identity.open_for_browser(known, address="here", replaced=None)
        run = identity.database.run

        async def slow(work):  # type: ignore[no-untyped-def]
            found = await run(work)
            await asyncio.sleep(0.1)
            return found

        recognition = Recognition(identity.database, AccessTokens(""))
        identity.database.run = slow  # type: ignore[method-assign]
        looking = asyncio.create_task(recognition.caller(cookie))
        await asyncio.sleep(0.03)
        identity.database.run = run  # type: ignore[method-assign]
        await identity.forget_browser(cookie, address="here")
        recognition.forget()
        await looking
        with pytest.raises(UnknownCallerError):
            await recognition.caller(cookie)


def test_a_key_of_its_own_signs_for_one_process_only() -> None:
    token = AccessTokens("").issue(
        user_id="u", session_id="s", role=Role.TRADER, investor_id=None, now_s=4_000_000_000
    )
    with pytest.raises(BadTokenError):
        AccessTokens("").read(token)
