"""What goes wrong, told to people and programs alike: `{"reason", "message"}` with the fitting status."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.payloads import Failure, encode

_REASONS = {
    "interval": "bad_interval",
    "price": "bad_price",
    "stop_price": "bad_price",
    "quantity": "bad_quantity",
    "cursor": "bad_cursor",
}
_HTTP_REASONS = {404: "not_found", 405: "method_not_allowed", 413: "payload_too_large"}
_MESSAGE_LENGTH_MAX = 300


class ApiError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message

    def response(self) -> Response:
        """Give the answer."""
        return failure(self.status, self.reason, self.message)


def failure(status: int, reason: str, message: str) -> Response:
    """Make an error's answer."""
    content = encode(Failure(reason=reason, message=message))
    return Response(content, status_code=status, media_type="application/json")


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe a route's error answers for the OpenAPI page."""
    return {status: {"model": Failure, "description": _DESCRIPTIONS[status]} for status in statuses}


_DESCRIPTIONS = {
    400: "The request is not whole, or is addressed to another host.",
    403: "The page that sends it is not allowed to.",
    404: "There is no such thing.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A value is not allowed, or the engine refused the order.",
    503: "The outcome is unknown, or the API is not ready; try again.",
}


def unknown_symbol(symbol: str) -> ApiError:
    """Say that a symbol is not listed."""
    return ApiError(404, "unknown_symbol", f"{symbol[:32]} is not listed; GET /assets tells what is.")


def unknown_order(order_id: str) -> ApiError:
    """Say that an order is not one of the investor's."""
    return ApiError(404, "unknown_order", f"You have no order {order_id[:64]}; GET /orders lists yours.")


def install(app: FastAPI) -> None:
    """Answer every error in the one form."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response()


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return failure(400, "malformed", "The body is not JSON; check its quotes, commas and braces.")
    place = [str(part) for part in first["loc"] if part not in {"body", "query", "path", "header"}]
    name = ".".join(place)[:64]
    message = f"{name}: {first['msg']}" if name else f"The body: {first['msg']}"
    return failure(422, _REASONS.get(name, "malformed"), message[:_MESSAGE_LENGTH_MAX] + ".")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reason = _HTTP_REASONS.get(error.status_code, "malformed")
    message = error.detail
    if error.status_code == 404:
        message = "There is no such route; /docs lists all."
    if error.status_code == 405:
        message = f"{request.method} is not done here; /docs lists what is."
    response = failure(error.status_code, reason, message)
    response.headers.update(error.headers or {})
    return response
