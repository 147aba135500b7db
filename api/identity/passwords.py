"""Passwords: kept as argon2id hashes, made in few threads so that a flood of sign-ins slows only itself."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 128

_MEMORY_KIB = 64 * 1024
_PASSES = 2
# One lane: several sign-ins at once share the cores better than the lanes of one.
_LANES = 1
_DIFFERENT_CHARACTERS_MIN = 5
_WAITING_MAX = 64
_NICENESS = 10

_T = TypeVar("_T")


class TooBusyError(Exception):
    """More passwords wait to be checked than can be in a reasonable time."""


def problem_with(password: str, *, username: str) -> str | None:
    """Say why a password must not be chosen; None when it may."""
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        return f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters; choose another."
    if username in password.lower() and len(password) < len(username) + PASSWORD_LENGTH_MIN:
        return "The password is little more than the username; choose another."
    if len(set(password)) < _DIFFERENT_CHARACTERS_MIN:
        return f"A password has at least {_DIFFERENT_CHARACTERS_MIN} different characters; choose another."
    return None


class Passwords:
    """Hashes passwords and checks them; each costs about a tenth of a second of one core and 64 MiB."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(memory_cost=_MEMORY_KIB, time_cost=_PASSES, parallelism=_LANES)
        at_once = max(1, min(4, (os.cpu_count() or 1) // 2))
        self._threads = ThreadPoolExecutor(
            at_once, thread_name_prefix="password", initializer=_give_way_to_other_threads
        )
        self._waiting = 0
        self._nobodys_hash = ""

    async def prepare(self) -> None:
        """Make the hash that passwords of unknown users are checked against."""
        if not self._nobodys_hash:
            self._nobodys_hash = await self.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """Hash a new password.

        Raises
        ------
        TooBusyError
            When too many wait already; as from `verify`.
        """
        return await self._in_thread(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether a password is the one of a hash; without a hash, say no after the same work."""
        known = password_hash or self._nobodys_hash
        assert known, "prepare() comes first"
        right = await self._in_thread(lambda: self._is_right(known, password))
        return right and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether a hash was made with less work than is asked for now."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _is_right(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        if self._waiting >= _WAITING_MAX:
            raise TooBusyError
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _give_way_to_other_threads() -> None:
    # On Linux a thread has a niceness of its own: requests of those who are signed in come first.
    if sys.platform.startswith("linux"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
