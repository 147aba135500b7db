"""Checks passwords: slowly for whoever guesses, and the same way whether or not there is such a user."""

from __future__ import annotations

import time

import structlog

from api.identity import audit, users
from api.identity.database import IdentityDatabase
from api.identity.limits import GrowingPauses
from api.identity.passwords import Passwords
from api.identity.users import User, username_of

USERNAME_FREE_FAILURES = 5
USERNAME_PAUSE_MAX_S = 60.0
"""Short enough that nobody can lock a user out for long by failing in their name."""
ADDRESS_FREE_FAILURES = 20
ADDRESS_PAUSE_MAX_S = 15 * 60.0

_log = structlog.get_logger("api")


class WrongPasswordError(Exception):
    """No such user, or not with this password; which of them is not told."""


class DisabledUserError(Exception):
    """The password is right, but an admin has disabled the user."""


class PausedError(Exception):
    """Too many failures; the next try is allowed in `wait_s` seconds."""

    def __init__(self, wait_s: float) -> None:
        super().__init__()
        self.wait_s = wait_s


class SignIn:
    """Checks passwords, counts failures by name and by address, and notes both ways in the audit."""

    def __init__(self, database: IdentityDatabase, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords
        self._by_username = GrowingPauses(
            free_failures=USERNAME_FREE_FAILURES, pause_max_s=USERNAME_PAUSE_MAX_S
        )
        self._by_address = GrowingPauses(free_failures=ADDRESS_FREE_FAILURES, pause_max_s=ADDRESS_PAUSE_MAX_S)

    async def check(self, username: str, password: str, *, address: str, act: str = "sign_in") -> User:
        """Give the user whose name and password these are.

        Parameters
        ----------
        address : str
            Where the request comes from.
        act : str
            What the audit calls it.

        Raises
        ------
        WrongPasswordError, DisabledUserError
            When they are nobody's, or of one who may not come in.
        PausedError
            When there were too many failures of the name or from the address; nothing was checked.
        TooBusyError
            When too many others wait for the same.
        """
        # By what was typed, whether or not there is such a user: a pause tells nothing.
        typed = username.strip().lower()[:64]
        self._begin(typed, address)
        name = username_of(username)
        user = None
        if name is not None:
            user = await self._database.run(lambda connection: users.by_username(connection, name))
        right = await self._passwords.verify(user.password_hash if user else None, password)
        if user is None or not right:
            await self._note(user.username if user else "", act, address, outcome="wrong_password")
            raise WrongPasswordError
        self._by_username.forget(typed)
        self._by_address.forgive(address)
        if user.disabled:
            await self._note(user.username, act, address, outcome="disabled")
            raise DisabledUserError
        await self._renew_hash(user, password)
        return user

    def _begin(self, typed: str, address: str) -> None:
        now_s = time.monotonic()
        wait_s = max(
            self._by_username.pause_s(typed, now_s=now_s), self._by_address.pause_s(address, now_s=now_s)
        )
        if wait_s > 0:
            raise PausedError(wait_s)
        self._by_username.begin(typed, now_s=now_s)
        self._by_address.begin(address, now_s=now_s)

    async def _note(self, username: str, act: str, address: str, *, outcome: str) -> None:
        # The name of nobody is not kept: it may be a password, typed into the wrong field.
        _log.info("a password was refused", username=username, address=address, outcome=outcome)
        now_ms = time.time_ns() // 1_000_000
        await self._database.run(
            lambda connection: audit.note(
                connection,
                actor=username,
                act=act,
                subject=username,
                address=address,
                now_ms=now_ms,
                outcome=outcome,
            )
        )

    async def _renew_hash(self, user: User, password: str) -> None:
        if not self._passwords.is_outdated(user.password_hash):
            return
        password_hash = await self._passwords.hash(password)
        await self._database.run(
            lambda connection: users.change(connection, user.user_id, password_hash=password_hash)
        )
