"""The API as Python objects: the one module of the page's server that knows routes."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import httpx
import msgspec
from msgspec import Struct

TIMEOUT: Final = httpx.Timeout(5.0, connect=1.0)
"""Longer than the 2 s that the API itself waits for the engine's answer."""

Side: TypeAlias = Literal["buy", "sell"]
OrderType: TypeAlias = Literal["limit", "market", "market_to_limit"]
TimeInForce: TypeAlias = Literal["day", "gtc", "ioc", "fok"]


class Asset(Struct, frozen=True, kw_only=True):
    """A listed symbol, as far as a ticket needs it."""

    symbol: str
    name: str
    tick_size: float
    lot_size: int
    reference_price: float
    last_price: float | None = None


class NewOrder(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order to place; the same `client_order_id` twice is one order."""

    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    quantity: int
    time_in_force: TimeInForce
    price: float | None = None
    post_only: bool = False


class Order(Struct, frozen=True, kw_only=True):
    """An order as the engine left it; `pending` when the engine has not answered yet."""

    order_id: str
    symbol: str
    side: Side
    status: str
    quantity: int | None = None
    filled_quantity: int = 0
    remaining_quantity: int = 0
    price: float | None = None
    average_price: float | None = None
    reason: str | None = None
    message: str | None = None


class ApiError(Exception):
    """A request that did not do what was asked.

    Parameters
    ----------
    reason : str
        One of the contract's words, or `unreachable`, `unknown_outcome`.
    message : str
        A sentence for the person at the page.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class UnreachableError(ApiError):
    """The API does not answer at its address: nothing was done."""


class RefusedError(ApiError):
    """The API or the engine said no: nothing was done."""


class UnknownOutcomeError(ApiError):
    """The request went out and no clear answer came back: it may have been done."""


class _Refusal(Struct, frozen=True):
    reason: str = "refused"
    message: str = ""


_decode_assets = msgspec.json.Decoder(list[Asset]).decode
_decode_order = msgspec.json.Decoder(Order).decode
_decode_refusal = msgspec.json.Decoder(_Refusal).decode


class Client:
    """Speaks to one API; safe to share between threads.

    Parameters
    ----------
    api_url : str
        Where the API listens, such as ``http://127.0.0.1:8000``.
    timeout : httpx.Timeout
        How long to wait for a connection and for an answer.
    """

    def __init__(self, api_url: str, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.api_url = api_url
        self._http = httpx.Client(base_url=api_url, timeout=timeout, follow_redirects=False, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def assets(self) -> list[Asset]:
        """List what can be traded, by symbol.

        Raises
        ------
        ApiError
            When the API is away or answers with an error.
        """
        content = self._send("GET", "/assets")
        try:
            assets = _decode_assets(content)
        except msgspec.DecodeError as error:
            raise UnknownOutcomeError("unknown_outcome", _not_understood(self.api_url)) from error
        return sorted(assets, key=lambda asset: asset.symbol)

    def place(self, order: NewOrder) -> Order:
        """Send an order and say how the engine left it.

        Raises
        ------
        UnreachableError, RefusedError
            Nothing was placed.
        UnknownOutcomeError
            It may have been placed; sending the very same order again is safe.
        """
        content = self._send("POST", "/orders", content=msgspec.json.encode(order))
        try:
            return _decode_order(content)
        except msgspec.DecodeError as error:
            raise UnknownOutcomeError("unknown_outcome", _not_understood(self.api_url)) from error

    def _send(self, method: str, path: str, *, content: bytes | None = None) -> bytes:
        headers = {"content-type": "application/json"} if content is not None else {}
        try:
            response = self._http.request(method, path, content=content, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise UnreachableError(
                "unreachable", f"The market's API does not answer at {self.api_url}."
            ) from error
        except httpx.HTTPError as error:
            raise UnknownOutcomeError(
                "unknown_outcome", "The connection to the market broke before the answer came."
            ) from error
        if response.status_code >= 500:
            raise UnknownOutcomeError("unknown_outcome", _refusal(response).message)
        if not response.is_success:
            refusal = _refusal(response)
            raise RefusedError(refusal.reason, refusal.message)
        return response.content


def _refusal(response: httpx.Response) -> _Refusal:
    try:
        refusal = _decode_refusal(response.content)
    except msgspec.DecodeError:
        refusal = _Refusal()
    if refusal.message:
        return refusal
    return _Refusal(refusal.reason, f"The market's API answered {response.status_code} without a reason.")


def _not_understood(api_url: str) -> str:
    return f"The answer from {api_url} is not that of a Homebroker API; look at HOMEBROKER_API_URL."
