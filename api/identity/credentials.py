"""What a request carries to be known: a bearer token, an API key, or a browser's cookie."""

from __future__ import annotations

from msgspec import Struct
from starlette.requests import HTTPConnection

SESSION_COOKIE = "homebroker_session"
API_KEY_HEADER = "X-API-Key"


class Credential(Struct, frozen=True, kw_only=True):
    """A secret, and whether the browser sent it by itself, so that it does not prove who wanted that."""

    secret: str
    by_cookie: bool


def credential_of(request: HTTPConnection) -> Credential | None:
    """Give what a request shows; the header counts before the cookie, which comes without being asked."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, secret = authorization.partition(" ")
        return Credential(secret=secret.strip() if scheme.lower() == "bearer" else "", by_cookie=False)
    api_key = request.headers.get(API_KEY_HEADER)
    if api_key is not None:
        return Credential(secret=api_key, by_cookie=False)
    cookie = request.cookies.get(SESSION_COOKIE)
    return None if cookie is None else Credential(secret=cookie, by_cookie=True)


def address_of(request: HTTPConnection) -> str:
    """Give the address that a request comes from."""
    return request.client.host if request.client else ""
