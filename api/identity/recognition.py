"""Who shows a credential: looked up in the database, and known again for a moment without."""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, select

from api.identity.callers import Caller, Role
from api.identity.database import IdentityDatabase, IdentityUnavailableError
from api.identity.tables import api_keys, sessions, users
from api.identity.tokens import AccessTokens, api_key_id, digest, is_api_key, is_session_secret

FRESH_S = 2.0
"""For how long a look-up holds: what another API process revokes lives at most this much longer here."""
STALE_MAX_S = 60.0
"""For how long it holds while the database is away: who trades must be able to cancel meanwhile."""
REMEMBERED_MAX = 50_000


class UnknownCallerError(Exception):
    """A credential that is nobody's, or not any more."""


class _Known(Struct, frozen=True):
    caller: Caller
    expires_ms: int | None
    looked_up_s: float


class Recognition:
    """Makes callers of credentials.

    Role, account and whether a user may come in at all are always the database's, never those of a token.
    """

    def __init__(self, database: IdentityDatabase, tokens: AccessTokens) -> None:
        self._database = database
        self._tokens = tokens
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._forgotten = 0
        self._away_until_s = 0.0

    async def caller(self, credential: str) -> Caller:
        """Give the caller who shows an access token, an API key, or a browser session's secret.

        Raises
        ------
        BadTokenError
            When an access token is not ours, or its time is over (`ExpiredTokenError`).
        UnknownCallerError
            When a credential was revoked, has expired, or was never given out.
        IdentityUnavailableError
            When it has to be looked up, and the database does not answer.
        """
        if is_api_key(credential) or is_session_secret(credential):
            return await self._recognized(digest(credential), credential, None)
        claims = self._tokens.read(credential)
        caller = await self._recognized(claims.session_id, claims.session_id, claims.user_id)
        return Caller(
            user_id=caller.user_id,
            username=caller.username,
            role=caller.role,
            investor_id=caller.investor_id,
            token_id=claims.token_id,
            session_id=claims.session_id,
        )

    async def is_good(self, credential: str, caller: Caller) -> bool:
        """Tell whether a caller may still be served who came with a credential a while ago.

        The end of an access token's time does not count, as long as its session goes on.
        """
        name = caller.session_id or digest(credential)
        try:
            await self._recognized(name, caller.session_id or credential, caller.user_id)
        except (UnknownCallerError, IdentityUnavailableError):
            return False
        return True

    def forget(self) -> None:
        """Look everybody up again: something has been changed or revoked."""
        self._known.clear()
        self._forgotten += 1

    async def _recognized(self, name: str, credential: str, user_id: str | None) -> Caller:
        now_s = time.monotonic()
        known = self._known.get(name)
        if known is None or now_s - known.looked_up_s > FRESH_S:
            known = await self._looked_up(name, credential, known, now_s)
        expired = known.expires_ms is not None and known.expires_ms <= time.time_ns() // 1_000_000
        if expired or user_id not in {None, known.caller.user_id}:
            raise UnknownCallerError
        return known.caller

    async def _looked_up(self, name: str, credential: str, before: _Known | None, now_s: float) -> _Known:
        usable = before is not None and now_s - before.looked_up_s <= STALE_MAX_S
        if before is not None and usable and now_s < self._away_until_s:
            return before
        forgotten = self._forgotten
        try:
            found = await self._database.run(lambda connection: _find(connection, credential))
        except IdentityUnavailableError:
            # Not every request is to wait for a database that does not answer.
            self._away_until_s = time.monotonic() + FRESH_S
            if before is None or not usable:
                raise
            return before
        if found is None:
            self._known.pop(name, None)
            raise UnknownCallerError
        caller, expires_ms = found
        known = _Known(caller, expires_ms, now_s)
        # What was read while something was revoked may be older than that.
        if forgotten == self._forgotten:
            self._known[name] = known
            self._known.move_to_end(name)
            if len(self._known) > REMEMBERED_MAX:
                self._known.popitem(last=False)
        return known


def _find(connection: Connection, credential: str) -> tuple[Caller, int | None] | None:
    if is_api_key(credential):
        return _by_api_key(connection, credential)
    by_secret = is_session_secret(credential)
    column = sessions.c.secret_hash if by_secret else sessions.c.session_id
    query = (
        select(users, sessions.c.session_id, sessions.c.expires_ms)
        .join(sessions)
        .where(
            column == (digest(credential) if by_secret else credential),
            sessions.c.revoked_ms.is_(None),
            ~users.c.disabled,
        )
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return _caller(row, token_id=row.session_id, session_id=row.session_id, read_only=False), row.expires_ms


def _by_api_key(connection: Connection, api_key: str) -> tuple[Caller, int | None] | None:
    query = (
        select(users, api_keys.c.key_id, api_keys.c.secret_hash, api_keys.c.read_only, api_keys.c.expires_ms)
        .join(api_keys)
        .where(api_keys.c.key_id == api_key_id(api_key), api_keys.c.revoked_ms.is_(None), ~users.c.disabled)
    )
    row = connection.execute(query).one_or_none()
    if row is None or not hmac.compare_digest(row.secret_hash, digest(api_key)):
        return None
    return _caller(row, token_id=row.key_id, session_id=None, read_only=row.read_only), row.expires_ms


def _caller(row: Row[Any], *, token_id: str, session_id: str | None, read_only: bool) -> Caller:
    return Caller(
        user_id=row.user_id,
        username=row.username,
        role=Role(row.role),
        investor_id=row.investor_id,
        token_id=token_id,
        session_id=session_id,
        read_only=read_only,
    )
