"""Users in the database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.exc import IntegrityError

from api.identity.callers import Role
from api.identity.tables import USERNAME_LENGTH_MAX, users
from api.identity.tokens import new_id
from engine.domain import HOUSE_ID

_USERNAME = re.compile(rf"[a-z0-9][a-z0-9._-]{{2,{USERNAME_LENGTH_MAX - 1}}}")

USERNAME_RULE = (
    f"A username has 3 to {USERNAME_LENGTH_MAX} small letters, digits, dots, hyphens or underscores, "
    "and begins with a letter or a digit."
)


class TakenError(Exception):
    """Another user has the name, or the investor's account."""


class ReservedAccountError(Exception):
    """The account is the market's own, which nobody trades."""


class LastAdminError(Exception):
    """Nobody would be left who can manage users."""


class User(Struct, frozen=True, kw_only=True):
    """A user as kept. `demo`: still as the demo made it, with the password that everybody knows."""

    user_id: str
    username: str
    password_hash: str
    role: Role
    investor_id: str | None
    disabled: bool
    demo: bool
    created_ms: int


def username_of(text: str) -> str | None:
    """Give the name that a text means, which knows no capitals; None when it cannot be one."""
    name = text.strip().lower()
    return name if _USERNAME.fullmatch(name) else None


def new_investor_id() -> str:
    """Name an account that nobody can have opened yet."""
    return f"i-{new_id()}"


def new_user(
    *,
    username: str,
    password_hash: str,
    role: Role,
    now_ms: int,
    investor_id: str | None = None,
    demo: bool = False,
) -> User:
    """Make a user; a trader without an account gets one of its own, under a name that none can have yet."""
    if role is Role.TRADER and investor_id is None:
        investor_id = new_investor_id()
    return User(
        user_id=new_id(),
        username=username,
        password_hash=password_hash,
        role=role,
        investor_id=investor_id,
        disabled=False,
        demo=demo,
        created_ms=now_ms,
    )


def add(connection: Connection, user: User) -> None:
    """Keep a new user.

    Raises
    ------
    TakenError
        When there is one of that name or account.
    ReservedAccountError
        When the account is the market's own.
    """
    _check_account(user.investor_id)
    row = {name: getattr(user, name) for name in User.__struct_fields__}
    try:
        connection.execute(users.insert().values(row))
    except IntegrityError as error:
        raise TakenError from error


def by_username(connection: Connection, username: str) -> User | None:
    """Give a user by name."""
    row = connection.execute(select(users).where(users.c.username == username)).one_or_none()
    return None if row is None else _user(row)


def by_id(connection: Connection, user_id: str) -> User | None:
    """Give a user by id."""
    row = connection.execute(select(users).where(users.c.user_id == user_id)).one_or_none()
    return None if row is None else _user(row)


def everyone(connection: Connection) -> Sequence[User]:
    """List all users by name."""
    return [_user(row) for row in connection.execute(select(users).order_by(users.c.username))]


def count(connection: Connection) -> int:
    """Count the users."""
    return int(connection.execute(select(func.count()).select_from(users)).scalar_one())


def change(connection: Connection, user_id: str, **changed: Any) -> None:
    """Change some of a user's columns.

    Raises
    ------
    TakenError
        When another user has the account.
    ReservedAccountError
        When the account is the market's own.
    LastAdminError
        When no admin would be left who may sign in.
    """
    _check_account(changed.get("investor_id"))
    before = by_id(connection, user_id)
    assert before is not None
    try:
        connection.execute(update(users).where(users.c.user_id == user_id).values(changed))
    except IntegrityError as error:
        raise TakenError from error
    if before.role is Role.ADMIN and not before.disabled and not _admins(connection):
        raise LastAdminError


def _check_account(investor_id: str | None) -> None:
    if investor_id == HOUSE_ID:
        raise ReservedAccountError


def _admins(connection: Connection) -> int:
    able = select(func.count()).select_from(users).where(users.c.role == Role.ADMIN, ~users.c.disabled)
    return int(connection.execute(able).scalar_one())


def _user(row: Row[Any]) -> User:
    return User(
        user_id=row.user_id,
        username=row.username,
        password_hash=row.password_hash,
        role=Role(row.role),
        investor_id=row.investor_id,
        disabled=row.disabled,
        demo=row.demo,
        created_ms=row.created_ms,
    )
