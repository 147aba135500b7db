"""The one who makes a request, as the routes know them."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Role(StrEnum):
    """What a user may do: trade an account, only look at what is public, or run the market."""

    TRADER = "trader"
    ANALYST = "analyst"
    ADMIN = "admin"


class Caller(Struct, frozen=True, kw_only=True):
    """A user on whose behalf a request is made.

    `token_id` names the credential that was shown, `session_id` the session that it belongs to: an API key
    has none. With `read_only` nothing may be changed.
    """

    user_id: str
    username: str
    role: Role
    investor_id: str | None
    token_id: str
    session_id: str | None = None
    read_only: bool = False
