"""Identity as the routes use it: everything about users, in transactions that note what was done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import structlog
from msgspec import Struct
from sqlalchemy import Connection

from api.identity import audit, demo, sessions, users
from api.identity.callers import Caller
from api.identity.clock import now_ms
from api.identity.database import IdentityDatabase, IdentityUnavailableError
from api.identity.directory import Directory
from api.identity.journal import Journal
from api.identity.passwords import Passwords
from api.identity.recognition import Recognition, UnknownCallerError
from api.identity.sessions import BadRefreshTokenError, ReusedRefreshTokenError, Session
from api.identity.sign_in import SignIn
from api.identity.tokens import ACCESS_TOKEN_LIFE_S, AccessTokens
from api.identity.users import TakenError, User
from api.identity.watching import IdentityWatch

_RETRY_S = 2.0
_TIDY_EVERY_S = 3_600.0

_T = TypeVar("_T")
_log = structlog.get_logger("api")


class TokenPair(Struct, frozen=True, kw_only=True):
    """What a program gets for a password, or for a refresh token."""

    access_token: str
    refresh_token: str
    expires_in_s: int = ACCESS_TOKEN_LIFE_S


class Identity:
    """Users, their sessions and keys.

    Parameters
    ----------
    url : str
        The database of identity.
    secret_key : str
        Signs access tokens; empty: a random one for as long as this process lives.
    with_demo : bool
        Whether there are the demo's users, whose passwords everybody knows.
    """

    def __init__(self, url: str, *, secret_key: str, with_demo: bool) -> None:
        self.database = IdentityDatabase(url)
        self.passwords = Passwords()
        self.tokens = AccessTokens(secret_key)
        self.recognition = Recognition(self.database, self.tokens)
        self.sign_in = SignIn(self.database, self.passwords)
        self.directory = Directory(self.database, self.passwords, self.recognition)
        self.journal = Journal(self.database)
        self.watch = IdentityWatch(self.database)
        self.with_demo = with_demo

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Prepare the database, and keep it tidy for as long as the context lasts.

        A database that does not answer is waited for in the background.
        """
        prepared = await self._prepared()
        tasks = [asyncio.create_task(each) for each in (self._tend(prepared=prepared), self.watch.run())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(self.close)

    async def prepare(self) -> None:
        """Make the tables, or change them as this version needs them.

        Raises
        ------
        IdentityUnavailableError
            When the database does not answer; as from everything here.
        """
        await self.passwords.prepare()
        await self.database.prepare()

    async def prepare_demo(self) -> None:
        """Make the demo's users; or, without the demo, keep out those that are still as it made them."""
        if self.with_demo and await self.database.run(demo.missing):
            hashes = await demo.hashes(self.passwords)
            # Another process of this market may have made them meanwhile.
            with suppress(TakenError):
                await self.database.run(lambda connection: demo.make(connection, hashes, now_ms=now_ms()))
        await self.database.run(lambda connection: demo.set_able(connection, able=self.with_demo))

    def close(self) -> None:
        """End the threads and the connections."""
        self.passwords.close()
        self.database.close()

    async def open_for_tokens(self, user: User, *, address: str) -> TokenPair:
        """Begin a session for a program that has shown the user's password."""

        def begin(connection: Connection) -> Session:
            audit.note_own(connection, user.username, "sign_in", address=address, now_ms=now_ms())
            return sessions.open_for_tokens(connection, user.user_id, address=address, now_ms=now_ms())

        return self._pair(await self.database.run(begin), user)

    async def open_for_browser(self, user: User, *, address: str, replaced: str | None) -> str:
        """Begin a session for a browser; gives the cookie's secret. One that it had before is ended."""

        def begin(connection: Connection) -> Session:
            if replaced is not None:
                sessions.revoke_secret(connection, replaced, now_ms=now_ms())
            audit.note_own(connection, user.username, "sign_in", address=address, now_ms=now_ms())
            return sessions.open_for_browser(connection, user.user_id, address=address, now_ms=now_ms())

        return (await self._changing(begin)).secret

    async def refresh(self, refresh_token: str, *, address: str) -> TokenPair:
        """Give new tokens for a refresh token.

        Raises
        ------
        UnknownCallerError
            When it is not good. One that comes a second time ends its session: somebody has a copy of it.
        """

        def use(connection: Connection) -> tuple[Session, User | None]:
            session = sessions.use_refresh_token(connection, refresh_token, now_ms=now_ms())
            return session, users.by_id(connection, session.user_id)

        try:
            session, user = await self.database.run(use)
        except BadRefreshTokenError as error:
            raise UnknownCallerError from error
        except ReusedRefreshTokenError as error:
            await self._end_stolen(error.session_id, error.user_id, address)
            raise UnknownCallerError from error
        if user is None or user.disabled:
            raise UnknownCallerError
        return self._pair(session, user)

    async def sign_out(self, caller: Caller, *, address: str) -> None:
        """End the session that a caller's credential belongs to."""
        session_id = caller.session_id
        assert session_id is not None

        def end(connection: Connection) -> None:
            sessions.revoke(connection, session_id, now_ms=now_ms())
            audit.note_own(connection, caller.username, "sign_out", address=address, now_ms=now_ms())

        await self._changing(end)

    async def forget_browser(self, secret: str, *, address: str) -> None:
        """End the session of a cookie, if there is one."""

        def end(connection: Connection) -> None:
            user_id = sessions.revoke_secret(connection, secret, now_ms=now_ms())
            user = None if user_id is None else users.by_id(connection, user_id)
            if user is not None:
                audit.note_own(connection, user.username, "sign_out", address=address, now_ms=now_ms())

        await self._changing(end)

    async def _end_stolen(self, session_id: str, user_id: str, address: str) -> None:
        def end(connection: Connection) -> None:
            sessions.revoke(connection, session_id, now_ms=now_ms())
            user = users.by_id(connection, user_id)
            assert user is not None
            audit.note_own(
                connection,
                user.username,
                "reuse_refresh_token",
                address=address,
                now_ms=now_ms(),
                outcome="revoked",
            )

        await self._changing(end)
        _log.warning("a refresh token came twice; its session was ended", address=address)

    async def _changing(self, work: Callable[[Connection], _T]) -> _T:
        try:
            return await self.database.run(work)
        finally:
            self.recognition.forget()

    def _pair(self, session: Session, user: User) -> TokenPair:
        access_token = self.tokens.issue(
            user_id=user.user_id,
            session_id=session.session_id,
            role=user.role,
            investor_id=user.investor_id,
            now_s=now_ms() // 1_000,
        )
        return TokenPair(access_token=access_token, refresh_token=session.secret)

    async def _prepared(self) -> bool:
        try:
            await self.prepare()
            await self.prepare_demo()
        except IdentityUnavailableError as error:
            _log.warning("the database of users does not answer", error=str(error), retry_s=_RETRY_S)
            return False
        return True

    async def _tend(self, *, prepared: bool) -> None:
        while not prepared:
            await asyncio.sleep(_RETRY_S)
            prepared = await self._prepared()
        while True:
            try:
                await self.database.run(lambda connection: sessions.forget_old(connection, now_ms=now_ms()))
            except IdentityUnavailableError as error:
                _log.warning("old sessions could not be deleted", error=str(error))
            await asyncio.sleep(_TIDY_EVERY_S)
