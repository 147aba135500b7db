"""The commands `homebroker users …`: people of a market, from the machine that it runs on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from getpass import getpass, getuser
from typing import TypeVar

from rich.table import Table

from api.identity.callers import Role
from api.identity.database import IdentityUnavailableError, identity_url
from api.identity.directory import UserChange
from api.identity.passwords import problem_with
from api.identity.service import Identity
from api.identity.users import (
    USERNAME_RULE,
    LastAdminError,
    ReservedAccountError,
    TakenError,
    username_of,
)
from homebroker.errors import StartError
from homebroker.screen import console
from homebroker.settings import Settings

_ADDRESS = "command line"

_T = TypeVar("_T")


def add(settings: Settings, username: str, *, role: Role, investor_id: str | None) -> None:
    """Make a user, asking for the password; where no person sits at it, it is read from the input.

    Raises
    ------
    StartError
        When the name or the password cannot be used, or somebody has the name; as from all here.
    """
    name = username_of(username)
    if name is None:
        raise StartError(USERNAME_RULE)
    password = _new_password(name)

    async def make(identity: Identity) -> str | None:
        user = await identity.directory.make_user(
            username=name,
            password=password,
            role=role,
            investor_id=investor_id,
            actor=_actor(),
            address=_ADDRESS,
        )
        return user.investor_id

    account = _run(settings, make)
    console.print(f"{name} can sign in as {role}." + (f" Account: {account}" if account else ""))


def show(settings: Settings) -> None:
    """List the users."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("username", "role", "account", ""):
        table.add_column(heading)
    for user in _run(settings, lambda identity: identity.directory.everyone()):
        table.add_row(user.username, user.role, user.investor_id or "", "disabled" if user.disabled else "")
    console.print(table)


def set_password(settings: Settings, username: str) -> None:
    """Give a user a new password, asking for it; all of the user's sessions and API keys end."""
    name = username.lower()
    _change(settings, name, UserChange(password=_new_password(name)))
    console.print(f"{name} has a new password, and has to sign in again.")


def disable(settings: Settings, username: str, *, enable: bool) -> None:
    """Keep a user out, or let them in again."""
    name = username.lower()
    _change(settings, name, UserChange(disabled=not enable))
    console.print(f"{name} can sign in." if enable else f"{name} is out, in a few seconds everywhere.")


def _change(settings: Settings, name: str, wanted: UserChange) -> None:
    changed = _run(
        settings,
        lambda identity: identity.directory.change_user(name, wanted, actor=_actor(), address=_ADDRESS),
    )
    if changed is None:
        raise StartError(f"There is no user {name}; `homebroker users list` names all.")


def _new_password(name: str) -> str:
    asks = sys.stdin.isatty()
    password = getpass(f"Password for {name}: ") if asks else sys.stdin.readline().rstrip("\n")
    problem = problem_with(password, username=name)
    if problem is not None:
        raise StartError(problem)
    if asks and getpass("The same again: ") != password:
        raise StartError("The two passwords differ; nothing was changed. Try again.")
    return password


def _actor() -> str:
    return f"{getuser()} (system)"[:32]


def _run(settings: Settings, work: Callable[[Identity], Awaitable[_T]]) -> _T:
    async def prepared() -> _T:
        identity = Identity(
            identity_url(settings.resolved_database_url),
            secret_key="",  # nobody signs in here
            with_demo=False,
        )
        try:
            await identity.prepare()
            return await work(identity)
        finally:
            identity.close()

    try:
        return asyncio.run(prepared())
    except TakenError as error:
        raise StartError("Another user has that name or account; choose another.") from error
    except ReservedAccountError as error:
        raise StartError("That account is the market's own, for fees; choose another.") from error
    except LastAdminError as error:
        raise StartError("Nobody would be left who can manage users; make another admin first.") from error
    except IdentityUnavailableError as error:
        raise StartError(f"The database of users cannot be used: {error}") from error
