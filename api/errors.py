"""What goes wrong, told to people and programs alike: `{"reason", "message"}` with the fitting status."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.identity.database import IdentityUnavailableError
from api.identity.passwords import TooBusyError
from api.identity.recognition import UnknownCallerError
from api.identity.sign_in import DisabledUserError, PausedError, WrongPasswordError
from api.identity.tokens import BadTokenError, ExpiredTokenError
from api.identity.users import LastAdminError, ReservedAccountError, TakenError
from api.input_errors import field_name, sentence
from api.payloads import Failure, encode

_REASONS = {
    "interval": "bad_interval",
    "price": "bad_price",
    "stop_price": "bad_price",
    "quantity": "bad_quantity",
    "cursor": "bad_cursor",
}
_HTTP_REASONS = {
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "payload_too_large",
}
_RETRY_AFTER_S = "2"
_UNREADABLE_BODY = "The body cannot be read; send JSON in UTF-8."


class ApiError(Exception):
    """A request that is answered with an error."""

    def __init__(
        self, status: int, reason: str, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.headers = headers

    def response(self) -> Response:
        """Give the answer."""
        return failure(self.status, self.reason, self.message, headers=self.headers)


def failure(status: int, reason: str, message: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """Make an error's answer; one that says to come back says when."""
    if status == 503:
        headers = {"Retry-After": _RETRY_AFTER_S, **(headers or {})}
    content = encode(Failure(reason=reason, message=message))
    return Response(content, status_code=status, headers=headers, media_type="application/json")


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe a route's error answers for the OpenAPI page."""
    return {status: {"model": Failure, "description": _DESCRIPTIONS[status]} for status in statuses}


_DESCRIPTIONS = {
    400: "The request is not whole, or is addressed to another host.",
    401: "Nobody is signed in, or not with this.",
    403: "The caller, or the page that sends it, is not allowed to.",
    404: "There is no such thing.",
    408: "The body did not come in time.",
    409: "There is one already.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A value is not allowed, or the engine refused the order.",
    429: "Too many requests; Retry-After tells how many seconds to wait.",
    503: "The outcome is unknown, or the API is not ready; try again after Retry-After seconds.",
}


def unknown_symbol(symbol: str) -> ApiError:
    """Say that a symbol is not listed."""
    return ApiError(404, "unknown_symbol", f"{symbol[:32]} is not listed; GET /assets tells what is.")


def unknown_order(order_id: str) -> ApiError:
    """Say that an order is not one of the investor's."""
    return ApiError(404, "unknown_order", f"You have no order {order_id[:64]}; GET /orders lists yours.")


def not_signed_in(reason: str, message: str) -> ApiError:
    """Say that a route needs to know who calls, and how to tell it."""
    return ApiError(401, reason, message, headers={"WWW-Authenticate": "Bearer"})


def forbidden(message: str) -> ApiError:
    """Say that the caller is known, but may not do this."""
    return ApiError(403, "forbidden", message)


def rate_limited(wait_s: float, message: str) -> ApiError:
    """Say that a request came too soon after others."""
    return ApiError(429, "rate_limited", message, headers={"Retry-After": str(max(1, math.ceil(wait_s)))})


def install(app: FastAPI) -> None:
    """Answer every error in the one form."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for known in _ANSWERS:
        app.add_exception_handler(known, _known)


async def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response()


async def _known(_request: Request, error: Exception) -> Response:
    return _ANSWERS[type(error)](error).response()


def _paused(error: Exception) -> ApiError:
    assert isinstance(error, PausedError)
    wait_s = max(1, math.ceil(error.wait_s))
    return rate_limited(wait_s, f"Too many attempts that failed; try again in {wait_s} s.")


_UNKNOWN = "This does not sign you in, or not any more; sign in again."
_ANSWERS: Mapping[type[Exception], Callable[[Exception], ApiError]] = {
    IdentityUnavailableError: lambda _: ApiError(
        503, "database_unavailable", "The database of users does not answer; try again in a moment."
    ),
    TooBusyError: lambda _: ApiError(
        503,
        "busy",
        "Too many people sign in at this moment; try again in some seconds.",
        headers={"Retry-After": "5"},
    ),
    WrongPasswordError: lambda _: not_signed_in(
        "invalid_credentials", "Username and password do not match; try again."
    ),
    DisabledUserError: lambda _: forbidden("This user has been disabled; ask an admin."),
    PausedError: _paused,
    ExpiredTokenError: lambda _: not_signed_in(
        "token_expired", "The access token's time is over; POST /auth/refresh gives the next."
    ),
    BadTokenError: lambda _: not_signed_in("invalid_token", _UNKNOWN),
    UnknownCallerError: lambda _: not_signed_in("invalid_token", _UNKNOWN),
    TakenError: lambda _: ApiError(
        409, "already_taken", "Another user has that name or account; choose another."
    ),
    ReservedAccountError: lambda _: ApiError(
        422, "reserved_account", "That account is the market's own, for fees; choose another."
    ),
    LastAdminError: lambda _: ApiError(
        422, "last_admin", "Nobody would be left who can manage users; make another admin first."
    ),
}


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return failure(400, "malformed", "The body is not JSON; check its quotes, commas and braces.")
    return failure(422, _REASONS.get(field_name(first), "malformed"), sentence(first))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reason = _HTTP_REASONS.get(error.status_code, "malformed")
    # A body that is not even text is told of by the framework, in words that say nothing to do.
    message = _UNREADABLE_BODY if error.status_code == 400 else error.detail
    if error.status_code == 404:
        message = "There is no such route; /docs lists all."
    if error.status_code == 405:
        message = f"{request.method} is not done here; /docs lists what is."
    response = failure(error.status_code, reason, message)
    response.headers.update(error.headers or {})
    return response
