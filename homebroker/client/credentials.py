"""Who a program is to the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from homebroker.client.asks import Ask


class Tokens(Struct, frozen=True):
    """What the API gives for a password."""

    access_token: str
    refresh_token: str


class Credentials(Protocol):
    """What requests carry, and how to get anew what has run out."""

    def headers(self) -> Mapping[str, str]:
        """Give what to send along; nothing before the first sign-in."""
        ...

    def renewals(self) -> list[Ask[Tokens]]:
        """Give what to ask, one after the other until one is answered, when the API knows us no more."""
        ...

    def renewed(self, tokens: Tokens) -> None:
        """Take the answer."""
        ...


class Nobody:
    """Reads what is public."""

    def headers(self) -> Mapping[str, str]:
        """Give nothing."""
        return {}

    def renewals(self) -> list[Ask[Tokens]]:
        """Give nothing."""
        return []

    def renewed(self, tokens: Tokens) -> None:
        """Never asked."""


class ApiKey(Nobody):
    """An API key, which is good until it is revoked."""

    def __init__(self, key: str) -> None:
        self._key = key

    def headers(self) -> Mapping[str, str]:
        """Give the key."""
        return {"authorization": f"Bearer {self._key}"}


class Password:
    """A user's name and password: signs in, and again whenever a token's time is over."""

    def __init__(self, username: str, password: str) -> None:
        self._username = username
        self._password = password
        self._tokens: Tokens | None = None

    def headers(self) -> Mapping[str, str]:
        """Give the access token, if there is one yet."""
        return {} if self._tokens is None else {"authorization": f"Bearer {self._tokens.access_token}"}

    def renewals(self) -> list[Ask[Tokens]]:
        """Give the refresh token's way, where there is one, then the password's."""
        form = {"username": self._username, "password": self._password}
        sign_in = Ask("POST", "/auth/token", Tokens, form=form)
        if self._tokens is None:
            return [sign_in]
        body = {"refresh_token": self._tokens.refresh_token}
        return [Ask("POST", "/auth/refresh", Tokens, body=body), sign_in]

    def renewed(self, tokens: Tokens) -> None:
        """Keep the tokens, in memory only."""
        self._tokens = tokens
