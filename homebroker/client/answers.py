"""Makes requests of asks, and values or errors of responses: the same for both clients."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any, TypeVar, cast

import httpx
import msgspec

from homebroker.client.asks import Ask
from homebroker.client.errors import (
    ClientError,
    RefusedError,
    SignedOutError,
    UnknownOutcomeError,
    UnreachableError,
)
from homebroker.client.values import Refusal

_T = TypeVar("_T")


def request_of(ask: Ask[Any], headers: Mapping[str, str]) -> dict[str, Any]:
    """Give the arguments of httpx's `request`."""
    request: dict[str, Any] = {"method": ask.method, "url": ask.path, "params": dict(ask.params)}
    request["headers"] = dict(headers)
    if ask.idempotency_key is not None:
        request["headers"]["idempotency-key"] = ask.idempotency_key
    if ask.form:
        request["data"] = dict(ask.form)
    if ask.body is not None:
        request["content"] = msgspec.json.encode(ask.body)
        request["headers"]["content-type"] = "application/json"
    return request


def answer_of(ask: Ask[_T], response: httpx.Response) -> _T:
    """Read a response.

    Raises
    ------
    RefusedError, UnknownOutcomeError
        By its status, or when it is not what the API answers.
    """
    if not response.is_success:
        raise error_of(response.status_code, response.content, response.headers)
    if ask.answer is NoneType:
        return cast(_T, None)
    try:
        return msgspec.json.decode(response.content, type=ask.answer)
    except msgspec.DecodeError as error:
        raise UnknownOutcomeError(
            "unknown_outcome",
            f"The answer from {response.url} is not that of a Homebroker API: check its address.",
        ) from error


def error_of(status: int, content: bytes, headers: Mapping[str, str]) -> ClientError:
    """Say what an answer without success means."""
    try:
        refusal = msgspec.json.decode(content, type=Refusal)
    except msgspec.DecodeError:
        refusal = Refusal()
    message = refusal.message or f"The market's API answered {status} without a reason."
    if status >= 500:
        return UnknownOutcomeError(refusal.reason, message)
    kind = SignedOutError if status == 401 else RefusedError
    retry_after = headers.get("retry-after", "")
    retry_after_s = float(retry_after) if retry_after.isdecimal() else None
    return kind(refusal.reason, message, status=status, retry_after_s=retry_after_s)


def broken(error: httpx.HTTPError, api_url: str) -> ClientError:
    """Say what a connection that failed means."""
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
        return UnreachableError("unreachable", f"The market's API does not answer at {api_url}.")
    return UnknownOutcomeError(
        "unknown_outcome", "The connection to the market broke before the answer came."
    )
