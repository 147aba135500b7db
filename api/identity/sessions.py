"""Sessions: they begin with a password, end with a sign-out, and are carried by tokens or by a cookie."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct
from sqlalchemy import Connection, delete, or_, select, update

from api.identity.tables import refresh_tokens, sessions
from api.identity.tokens import digest, new_id, new_refresh_token, new_session_secret

BROWSER_SESSION_LIFE_MS = 12 * 3_600_000
TOKEN_SESSION_LIFE_MS = 30 * 24 * 3_600_000
REFRESH_TOKEN_LIFE_MS = 7 * 24 * 3_600_000
_KEPT_AFTER_MS = 24 * 3_600_000


class Session(Struct, frozen=True, kw_only=True):
    """A session, with the secret that carries it on; the secret itself is not kept."""

    session_id: str
    user_id: str
    secret: str


class BadRefreshTokenError(Exception):
    """A refresh token that is not good, or not any more."""


class ReusedRefreshTokenError(Exception):
    """A refresh token that comes a second time: somebody has a copy of it. The session was ended."""

    def __init__(self, session_id: str, user_id: str) -> None:
        super().__init__()
        self.session_id = session_id
        self.user_id = user_id


def open_for_browser(connection: Connection, user_id: str, *, address: str, now_ms: int) -> Session:
    """Begin a session whose secret goes into a cookie."""
    secret = new_session_secret()
    session_id = _open(
        connection,
        user_id,
        address=address,
        now_ms=now_ms,
        life_ms=BROWSER_SESSION_LIFE_MS,
        secret_hash=digest(secret),
    )
    return Session(session_id=session_id, user_id=user_id, secret=secret)


def open_for_tokens(connection: Connection, user_id: str, *, address: str, now_ms: int) -> Session:
    """Begin a session that access tokens are given for; the secret is its first refresh token."""
    session_id = _open(
        connection, user_id, address=address, now_ms=now_ms, life_ms=TOKEN_SESSION_LIFE_MS, secret_hash=None
    )
    secret = _add_refresh_token(connection, session_id, now_ms)
    return Session(session_id=session_id, user_id=user_id, secret=secret)


def use_refresh_token(connection: Connection, refresh_token: str, *, now_ms: int) -> Session:
    """Take a refresh token, and give the next one.

    Raises
    ------
    BadRefreshTokenError
        When it is unknown, too old, or of a session that is over.
    ReusedRefreshTokenError
        When it was used before. The caller has to end the session, in a transaction of its own.
    """
    token_hash = digest(refresh_token)
    found = connection.execute(
        select(refresh_tokens.c.expires_ms, sessions)
        .join(sessions)
        .where(refresh_tokens.c.token_hash == token_hash)
    ).one_or_none()
    if found is None:
        raise BadRefreshTokenError
    first_use = connection.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.token_hash == token_hash, refresh_tokens.c.used_ms.is_(None))
        .values(used_ms=now_ms)
    )
    if first_use.rowcount == 0:
        raise ReusedRefreshTokenError(found.session_id, found.user_id)
    if found.revoked_ms is not None or now_ms >= min(found[0], found.expires_ms):
        raise BadRefreshTokenError
    secret = _add_refresh_token(connection, found.session_id, now_ms)
    return Session(session_id=found.session_id, user_id=found.user_id, secret=secret)


def revoke(connection: Connection, session_id: str, *, now_ms: int) -> None:
    """End a session."""
    connection.execute(
        update(sessions)
        .where(sessions.c.session_id == session_id, sessions.c.revoked_ms.is_(None))
        .values(revoked_ms=now_ms)
    )


def revoke_secret(connection: Connection, secret: str, *, now_ms: int) -> str | None:
    """End the session that a cookie belongs to, and give whose it was; None when there was none."""
    mine = (sessions.c.secret_hash == digest(secret), sessions.c.revoked_ms.is_(None))
    user_id = connection.execute(select(sessions.c.user_id).where(*mine)).scalar_one_or_none()
    connection.execute(update(sessions).where(*mine).values(revoked_ms=now_ms))
    return user_id


def revoke_all(
    connection: Connection, user_id: str, *, now_ms: int, except_for: Collection[str] = ()
) -> None:
    """End a user's sessions."""
    connection.execute(
        update(sessions)
        .where(
            sessions.c.user_id == user_id,
            sessions.c.revoked_ms.is_(None),
            sessions.c.session_id.not_in(except_for),
        )
        .values(revoked_ms=now_ms)
    )


def forget_old(connection: Connection, *, now_ms: int) -> None:
    """Delete the sessions that ended a day ago or earlier, with their refresh tokens."""
    before_ms = now_ms - _KEPT_AFTER_MS
    old = select(sessions.c.session_id).where(
        or_(sessions.c.expires_ms < before_ms, sessions.c.revoked_ms < before_ms)
    )
    connection.execute(delete(refresh_tokens).where(refresh_tokens.c.session_id.in_(old)))
    connection.execute(delete(sessions).where(sessions.c.session_id.in_(old)))
    # One that is used or too old says nothing any more once nobody can think that it is good.
    connection.execute(delete(refresh_tokens).where(refresh_tokens.c.expires_ms < before_ms))


def _open(
    connection: Connection,
    user_id: str,
    *,
    address: str,
    now_ms: int,
    life_ms: int,
    secret_hash: str | None,
) -> str:
    session_id = new_id()
    row = {
        "session_id": session_id,
        "user_id": user_id,
        "secret_hash": secret_hash,
        "created_ms": now_ms,
        "expires_ms": now_ms + life_ms,
        "revoked_ms": None,
        "address": address,
    }
    connection.execute(sessions.insert().values(row))
    return session_id


def _add_refresh_token(connection: Connection, session_id: str, now_ms: int) -> str:
    token = new_refresh_token()
    row = {
        "token_hash": digest(token),
        "session_id": session_id,
        "created_ms": now_ms,
        "expires_ms": now_ms + REFRESH_TOKEN_LIFE_MS,
        "used_ms": None,
    }
    connection.execute(refresh_tokens.insert().values(row))
    return token
