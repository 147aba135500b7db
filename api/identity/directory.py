"""The users of a market: making and changing them, their passwords and API keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec import Struct
from sqlalchemy import Connection

from api.identity import audit, keys, sessions, users
from api.identity.callers import Caller, Role
from api.identity.clock import now_ms
from api.identity.database import IdentityDatabase
from api.identity.keys import ApiKey
from api.identity.limits import Buckets
from api.identity.passwords import Passwords
from api.identity.recognition import Recognition
from api.identity.sign_in import PausedError
from api.identity.users import User

_REGISTRATIONS_PER_S = 1 / 60
_REGISTRATIONS_AT_ONCE = 10

_T = TypeVar("_T")


class UserChange(Struct, frozen=True, kw_only=True):
    """What is to be another way about a user; what is None stays."""

    role: Role | None = None
    investor_id: str | None = None
    disabled: bool | None = None
    password: str | None = None


class Directory:
    """Changes users, each time with a note in the audit, and has callers looked up again."""

    def __init__(self, database: IdentityDatabase, passwords: Passwords, recognition: Recognition) -> None:
        self._database = database
        self._passwords = passwords
        self._recognition = recognition
        self._registrations = Buckets(rate_per_s=_REGISTRATIONS_PER_S, burst=_REGISTRATIONS_AT_ONCE)

    async def everyone(self) -> Sequence[User]:
        """List all users by name."""
        return await self._database.run(users.everyone)

    async def change_user(
        self, username: str, wanted: UserChange, *, actor: str, address: str
    ) -> User | None:
        """Change a user; gives it as it is then, or None when there is none of that name.

        A new password, or being disabled, ends the user's sessions; a new password ends the API keys, too.

        Raises
        ------
        TakenError
            When another user trades the account.
        ReservedAccountError
            When the account is the market's own.
        LastAdminError
            When no admin would be left who may sign in.
        """
        password_hash = None if wanted.password is None else await self._passwords.hash(wanted.password)

        def change(connection: Connection) -> User | None:
            user = users.by_username(connection, username)
            if user is None:
                return None
            users.change(connection, user.user_id, **_columns(user, wanted, password_hash))
            if password_hash is not None or wanted.disabled:
                sessions.revoke_all(connection, user.user_id, now_ms=now_ms())
            if password_hash is not None:
                keys.revoke_all(connection, user.user_id, now_ms=now_ms())
            audit.note(
                connection,
                actor=actor,
                act="change_user",
                subject=username,
                address=address,
                now_ms=now_ms(),
                detail=_told(wanted),
            )
            return users.by_id(connection, user.user_id)

        return await self._changing(change)

    async def make_user(
        self,
        *,
        username: str,
        password: str,
        role: Role,
        investor_id: str | None,
        actor: str,
        address: str,
    ) -> User:
        """Make a user.

        Raises
        ------
        TakenError
            When there is one of that name or account.
        ReservedAccountError
            When the account is the market's own.
        """
        user = users.new_user(
            username=username,
            password_hash=await self._passwords.hash(password),
            role=role,
            investor_id=investor_id,
            now_ms=now_ms(),
        )

        def make(connection: Connection) -> None:
            users.add(connection, user)
            detail = {"role": str(role), "investor_id": user.investor_id}
            audit.note(
                connection,
                actor=actor,
                act="make_user",
                subject=username,
                address=address,
                now_ms=now_ms(),
                detail=detail,
            )

        await self._database.run(make)
        return user

    async def register(self, username: str, password: str, *, address: str) -> User:
        """Make a trader who asked for it, with an account of its own.

        Raises
        ------
        PausedError
            When too many came from the address.
        TakenError
            When there is a user of that name.
        """
        wait_s = self._registrations.take(address, now_s=time.monotonic())
        if wait_s > 0:
            raise PausedError(wait_s)
        return await self.make_user(
            username=username,
            password=password,
            role=Role.TRADER,
            investor_id=None,
            actor=username,
            address=address,
        )

    async def set_own_password(self, caller: Caller, password: str, *, with_keys: bool, address: str) -> None:
        """Give a caller a new password; all sessions but the present end, and `with_keys` all API keys."""
        password_hash = await self._passwords.hash(password)
        mine = (caller.session_id,) if caller.session_id else ()

        def set_it(connection: Connection) -> None:
            users.change(connection, caller.user_id, password_hash=password_hash, demo=False)
            sessions.revoke_all(connection, caller.user_id, now_ms=now_ms(), except_for=mine)
            if with_keys:
                keys.revoke_all(connection, caller.user_id, now_ms=now_ms())
            audit.note_own(connection, caller.username, "set_password", address=address, now_ms=now_ms())

        await self._changing(set_it)

    async def make_key(
        self, caller: Caller, *, name: str, read_only: bool, expires_ms: int | None, address: str
    ) -> tuple[ApiKey, str]:
        """Make an API key of a caller; the second is the key itself.

        Raises
        ------
        TooManyKeysError
            When the caller has too many already.
        """

        def make(connection: Connection) -> tuple[ApiKey, str]:
            made = keys.make(
                connection,
                caller.user_id,
                name=name,
                read_only=read_only,
                expires_ms=expires_ms,
                now_ms=now_ms(),
            )
            audit.note_own(
                connection,
                caller.username,
                "make_key",
                address=address,
                now_ms=now_ms(),
                subject=made[0].key_id,
            )
            return made

        return await self._database.run(make)

    async def keys_of(self, caller: Caller) -> Sequence[ApiKey]:
        """List a caller's keys that can be used."""
        return await self._database.run(
            lambda connection: keys.good_keys(connection, caller.user_id, now_ms=now_ms())
        )

    async def revoke_key(self, caller: Caller, key_id: str, *, address: str) -> bool:
        """End a key of a caller; tells whether there was one."""

        def end(connection: Connection) -> bool:
            ended = keys.revoke(connection, caller.user_id, key_id, now_ms=now_ms())
            if ended:
                audit.note_own(
                    connection,
                    caller.username,
                    "revoke_key",
                    address=address,
                    now_ms=now_ms(),
                    subject=key_id,
                )
            return ended

        return await self._changing(end)

    async def _changing(self, work: Callable[[Connection], _T]) -> _T:
        try:
            return await self._database.run(work)
        finally:
            self._recognition.forget()


def _columns(user: User, wanted: UserChange, password_hash: str | None) -> dict[str, Any]:
    # Whatever an admin has looked at is no longer the demo's.
    columns: dict[str, Any] = {"demo": False}
    if wanted.role is not None:
        columns["role"] = wanted.role
    if wanted.disabled is not None:
        columns["disabled"] = wanted.disabled
    if password_hash is not None:
        columns["password_hash"] = password_hash
    if wanted.investor_id is not None:
        columns["investor_id"] = wanted.investor_id
    elif wanted.role is Role.TRADER and user.investor_id is None:
        columns["investor_id"] = users.new_investor_id()
    return columns


def _told(wanted: UserChange) -> dict[str, Any]:
    told = {name: getattr(wanted, name) for name in ("role", "investor_id", "disabled")}
    changed = {name: value for name, value in told.items() if value is not None}
    return changed | ({"password": "set"} if wanted.password is not None else {})
