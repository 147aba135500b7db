"""What users saved of the page, by name; each value is JSON that only the page understands."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, func, select

from api.identity.tables import preferences

NAMES_MAX: Final = 32
VALUE_BYTES_MAX: Final = 8_192


class TooManyPreferencesError(Exception):
    """The user has saved as many things as one may."""


def all_of(connection: Connection, user_id: str) -> dict[str, Any]:
    """Give everything that a user saved, by name."""
    table = preferences.c
    rows = connection.execute(select(table.name, table.value).where(table.user_id == user_id))
    return {row.name: msgspec.json.decode(row.value) for row in rows}


def save(connection: Connection, user_id: str, name: str, value: Any, *, now_ms: int) -> None:
    """Keep a value in place of the one that has its name.

    Raises
    ------
    TooManyPreferencesError
        When it would be one more than `NAMES_MAX`.
    """
    table = preferences.c
    connection.execute(delete(preferences).where(table.user_id == user_id, table.name == name))
    count = connection.execute(
        select(func.count()).select_from(preferences).where(table.user_id == user_id)
    ).scalar_one()
    if count >= NAMES_MAX:
        raise TooManyPreferencesError
    text = msgspec.json.encode(value).decode()
    connection.execute(preferences.insert().values(user_id=user_id, name=name, value=text, updated_ms=now_ms))
