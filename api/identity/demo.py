"""The demo's users: everybody knows their passwords, so they are only for a market on one's own machine."""

from __future__ import annotations

from sqlalchemy import Connection, update

from api.identity import users
from api.identity.demo_users import DEMO_USERS
from api.identity.passwords import Passwords
from api.identity.tables import users as users_table


async def hashes(passwords: Passwords) -> dict[str, str]:
    """Hash the demo users' passwords, by their names."""
    return {user.username: await passwords.hash(user.password) for user in DEMO_USERS}


def missing(connection: Connection) -> bool:
    """Tell whether one of them has to be made."""
    return any(users.by_username(connection, user.username) is None for user in DEMO_USERS)


def make(connection: Connection, password_hashes: dict[str, str], *, now_ms: int) -> None:
    """Make those that are not there."""
    for user in DEMO_USERS:
        if users.by_username(connection, user.username) is None:
            made = users.new_user(
                username=user.username,
                password_hash=password_hashes[user.username],
                role=user.role,
                investor_id=user.investor_id,
                demo=True,
                now_ms=now_ms,
            )
            users.add(connection, made)


def set_able(connection: Connection, *, able: bool) -> None:
    """Let the demo users in, or none of those who still are as the demo made them."""
    connection.execute(update(users_table).where(users_table.c.demo).values(disabled=not able))
