"""What the routes of identity answer with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from api.identity.callers import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """An access token, for `Authorization: Bearer`, and the refresh token that gets the next pair, once."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    refresh_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """The user that a credential belongs to. `investor_id` is the account that is traded; null: none."""

    username: str
    role: Role
    investor_id: str | None
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """An API key, without the key."""

    key_id: str
    name: str
    read_only: bool
    created_ms: int
    expires_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordRow:
    """That a password was changed, and the API keys that can be used still."""

    status: Literal["done"]
    message: str
    api_keys: list[KeyRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKeyRow(KeyRow):
    """An API key when it is made: the only time that `key` itself is told."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """A user as an admin sees it."""

    username: str
    role: Role
    investor_id: str | None
    disabled: bool
    created_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRow:
    """What became of a command about an account or an asset; `pending`: the engine has yet to answer."""

    status: Literal["done", "pending"]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """An act: who did what to whom or what, from where, and how it came out."""

    audit_id: int
    time_ms: int
    actor: str
    act: str
    subject: str
    detail: dict[str, Any]
    outcome: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Acts, newest first; `next_cursor` asks for those before them."""

    entries: list[AuditRow]
    next_cursor: int | None
