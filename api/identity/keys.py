"""API keys: for programs, shown once, good until they expire or are revoked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, func, select, update

from api.identity.tables import api_keys
from api.identity.tokens import digest, new_api_key

KEYS_MAX = 20
"""How many good keys a user may have at once."""


class TooManyKeysError(Exception):
    """The user has as many keys as one may have."""


class ApiKey(Struct, frozen=True, kw_only=True):
    """A key as its owner sees it later on; not the key itself."""

    key_id: str
    name: str
    read_only: bool
    created_ms: int
    expires_ms: int | None


def make(
    connection: Connection, user_id: str, *, name: str, read_only: bool, expires_ms: int | None, now_ms: int
) -> tuple[ApiKey, str]:
    """Make a key; gives it with the secret, which is not to be had again.

    Raises
    ------
    TooManyKeysError
        When the user has too many already.
    """
    good = select(func.count()).select_from(api_keys).where(*_good(user_id, now_ms))
    if connection.execute(good).scalar_one() >= KEYS_MAX:
        raise TooManyKeysError
    key_id, secret = new_api_key()
    key = ApiKey(key_id=key_id, name=name, read_only=read_only, created_ms=now_ms, expires_ms=expires_ms)
    row = {field: getattr(key, field) for field in ApiKey.__struct_fields__}
    connection.execute(api_keys.insert().values(**row, user_id=user_id, secret_hash=digest(secret)))
    return key, secret


def good_keys(connection: Connection, user_id: str, *, now_ms: int) -> Sequence[ApiKey]:
    """List a user's keys that can be used, newest first."""
    query = select(api_keys).where(*_good(user_id, now_ms)).order_by(api_keys.c.created_ms.desc())
    return [_key(row) for row in connection.execute(query)]


def revoke(connection: Connection, user_id: str, key_id: str, *, now_ms: int) -> bool:
    """End a key; tells whether the user had it."""
    ended = connection.execute(
        update(api_keys).where(*_good(user_id, now_ms), api_keys.c.key_id == key_id).values(revoked_ms=now_ms)
    )
    return ended.rowcount > 0


def revoke_all(connection: Connection, user_id: str, *, now_ms: int) -> None:
    """End all keys of a user."""
    connection.execute(update(api_keys).where(*_good(user_id, now_ms)).values(revoked_ms=now_ms))


def _good(user_id: str, now_ms: int) -> tuple[Any, ...]:
    table = api_keys.c
    unexpired = table.expires_ms.is_(None) | (table.expires_ms > now_ms)
    return table.user_id == user_id, table.revoked_ms.is_(None), unexpired


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        name=row.name,
        read_only=row.read_only,
        created_ms=row.created_ms,
        expires_ms=row.expires_ms,
    )
