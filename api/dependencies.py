"""What routes ask for: the services, who calls, a listed symbol, a JSON body.

All are coroutines, also those that wait for nothing: FastAPI calls plain functions in threads, which costs
more than the rest of a request, and what they touch is not made for threads.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from typing import Annotated, TypeAlias

from fastapi import Depends, Path, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader, OAuth2PasswordBearer
from starlette.responses import Response

from api.errors import ApiError, forbidden, not_signed_in, rate_limited, unknown_symbol
from api.identity.callers import Caller, Role
from api.identity.credentials import API_KEY_HEADER, SESSION_COOKIE, credential_of
from api.identity.database import IdentityUnavailableError
from api.identity.limits import Pace
from api.identity.recognition import UnknownCallerError
from api.identity.service import Identity
from api.identity.tokens import BadTokenError
from api.live.view import LiveView
from api.middleware import READING, serve_while
from api.payloads import encode
from api.services import Services
from api.streaming import Owner
from engine.domain import ID_LENGTH_MAX

# These tell the OpenAPI page how to sign in; what a request carries is read by `credential_of`.
_BEARER = OAuth2PasswordBearer(tokenUrl="auth/token", refreshUrl="auth/refresh", auto_error=False)
_KEY = APIKeyHeader(name=API_KEY_HEADER, auto_error=False)
_COOKIE = APIKeyCookie(name=SESSION_COOKIE, auto_error=False)
# Asked by POST, because the question is an order.
_QUESTIONS = frozenset({"/orders/preview"})


async def services(request: Request) -> Services:
    """Give what was made when the API started."""
    made = request.app.state.services
    assert isinstance(made, Services)
    return made


async def identity(request: Request) -> Identity:
    """Give what knows the users."""
    made = request.app.state.identity
    assert isinstance(made, Identity)
    return made


async def current_view(made: Annotated[Services, Depends(services)]) -> LiveView:
    """Give the live view once it has caught up with the log."""
    if not made.follower.caught_up:
        raise ApiError(503, "starting", f"The API is not ready: {made.follower.standing.detail}.")
    return made.view


async def signed_in(
    request: Request,
    made: Annotated[Identity, Depends(identity)],
    _bearer: Annotated[str | None, Security(_BEARER)] = None,
    _key: Annotated[str | None, Security(_KEY)] = None,
    _cookie: Annotated[str | None, Security(_COOKIE)] = None,
) -> Caller:
    """Give whoever calls, by the token, API key or cookie that the request carries."""
    credential = credential_of(request)
    if credential is None:
        raise not_signed_in("not_signed_in", "Sign in first: POST /auth/token, or send an API key.")
    caller = await made.recognition.caller(credential.secret)
    if request.method not in READING:
        if credential.by_cookie:
            require_own_page(request, await services(request))
        if caller.read_only and request.url.path not in _QUESTIONS:
            raise forbidden("This API key is read-only; make one that is not.")
    _check_pace(request, caller)
    serve_while(request, lambda: made.recognition.is_good(credential.secret, caller))
    return caller


async def stream_owner(request: Request, made: Annotated[Identity, Depends(identity)]) -> Owner:
    """Tell whose a public stream is: a user's where the request says so, or else an address's.

    A credential that is no good any more does not matter: the stream is for everybody.
    """
    credential = credential_of(request)
    if credential is not None:
        with suppress(BadTokenError, UnknownCallerError, IdentityUnavailableError):
            return Owner("user", (await made.recognition.caller(credential.secret)).user_id)
    return Owner("address", request.client.host if request.client else "")


async def current_investor(caller: Annotated[Caller, Depends(signed_in)]) -> str:
    """Give the account that the caller trades."""
    if caller.role is Role.ANALYST or caller.investor_id is None:
        raise forbidden(f"A user with the role {caller.role} has no account here; a trader has.")
    return caller.investor_id


async def current_admin(caller: Annotated[Caller, Depends(signed_in)]) -> Caller:
    """Give the caller, who is an admin."""
    if caller.role is not Role.ADMIN:
        raise forbidden("Only an admin may do this.")
    return caller


async def current_person(caller: Annotated[Caller, Depends(signed_in)]) -> Caller:
    """Give the caller, who has shown a password: an API key may not make keys or take over its user."""
    if caller.session_id is None:
        raise forbidden("An API key may not do this; sign in with the password.")
    return caller


def require_own_page(request: Request, made: Services) -> None:
    """Refuse what a cookie alone would authorize, unless one of the market's own pages asks for it.

    A browser says where a request was made; without that, a cookie does not prove that its owner wants it.
    """
    if request.headers.get("origin", "") not in made.config.page_origins:
        raise ApiError(
            403, "forbidden_origin", "With the cookie, only this market's own pages may change anything."
        )


def _check_pace(request: Request, caller: Caller) -> None:
    pace = request.app.state.pace
    assert isinstance(pace, Pace)
    method = "GET" if request.url.path in _QUESTIONS else request.method
    wait_s = pace.wait_s(caller.user_id, method, request.url.path, now_s=time.monotonic())
    if wait_s > 0:
        raise rate_limited(wait_s, f"Too many requests of yours; wait {max(1, math.ceil(wait_s))} s.")


async def listed_symbol(
    symbol: Annotated[str, Path(description="A listed symbol, as in PETR4", max_length=64)],
    view: Annotated[LiveView, Depends(current_view)],
) -> str:
    """Give the path's symbol if it is listed."""
    if symbol not in view.assets:
        raise unknown_symbol(symbol)
    return symbol


async def json_body(request: Request) -> None:
    """Refuse a body of another type: a page of another site can send those without asking the browser."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ApiError(
            415, "unsupported_media_type", "Send the body as JSON, with Content-Type application/json."
        )


def check_range(start_ms: int | None, end_ms: int | None) -> None:
    """Refuse a span of time that ends before it begins."""
    if start_ms is not None and end_ms is not None and start_ms > end_ms:
        raise ApiError(422, "bad_range", "start_ms is after end_ms; swap them.")


def json_response(payload: object, status: int = 200) -> Response:
    """Make an answer of a payload."""
    return Response(encode(payload), status_code=status, media_type="application/json")


WithServices: TypeAlias = Annotated[Services, Depends(services)]
WithIdentity: TypeAlias = Annotated[Identity, Depends(identity)]
WithView: TypeAlias = Annotated[LiveView, Depends(current_view)]
SignedIn: TypeAlias = Annotated[Caller, Depends(signed_in)]
Investor: TypeAlias = Annotated[str, Depends(current_investor)]
Admin: TypeAlias = Annotated[Caller, Depends(current_admin)]
StreamOwner: TypeAlias = Annotated[Owner, Depends(stream_owner)]
Person: TypeAlias = Annotated[Caller, Depends(current_person)]
ListedSymbol: TypeAlias = Annotated[str, Depends(listed_symbol)]
OrderId: TypeAlias = Annotated[
    str, Path(min_length=1, max_length=ID_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")
]
