"""Every question that a program may ask, with the type of its answer.

book = client.ask(asks.book("PETR4", levels=5))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar
from urllib.parse import quote

from msgspec import Raw, Struct

from homebroker.client.values import (
    Account,
    Book,
    CandleList,
    NewOrder,
    Order,
    Position,
    Ticker,
    Trade,
    TradePage,
)

_T = TypeVar("_T")


class Ask(Struct, Generic[_T], frozen=True):
    """A request, and what its answer is decoded to. `body` is sent as JSON, `form` as one."""

    method: str
    path: str
    answer: type[_T]
    params: Mapping[str, str | int] = {}
    body: object = None
    form: Mapping[str, str] = {}


def assets() -> Ask[list[Ticker]]:
    """Ask what is listed."""
    return Ask("GET", "/assets", list[Ticker])


def asset(symbol: str) -> Ask[Ticker]:
    """Ask for one listed asset."""
    return Ask("GET", f"/assets/{_part(symbol)}", Ticker)


def book(symbol: str, *, levels: int = 20) -> Ask[Book]:
    """Ask for a book's best levels."""
    return Ask("GET", f"/book/{_part(symbol)}", Book, {"levels": levels})


def trades(symbol: str, *, limit: int = 100) -> Ask[list[Trade]]:
    """Ask for the latest trades, newest first."""
    return Ask("GET", f"/trades/{_part(symbol)}", list[Trade], {"limit": limit})


def candles(
    symbol: str, interval: str, *, start_ms: int | None = None, end_ms: int | None = None, limit: int = 500
) -> Ask[CandleList]:
    """Ask for candles, oldest first."""
    params = _given(interval=interval, start_ms=start_ms, end_ms=end_ms, limit=limit)
    return Ask("GET", f"/candles/{_part(symbol)}", CandleList, params)


def transactions(
    *,
    symbol: str | None = None,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int = 500,
    cursor: str | None = None,
) -> Ask[TradePage]:
    """Ask for a page of the history of trades."""
    params = _given(symbol=symbol, start_ms=start_ms, end_ms=end_ms, limit=limit, cursor=cursor)
    return Ask("GET", "/transactions", TradePage, params)


def orders(*, status: str = "open", symbol: str | None = None, limit: int = 500) -> Ask[list[Order]]:
    """Ask for one's orders, newest first."""
    return Ask("GET", "/orders", list[Order], _given(status=status, symbol=symbol, limit=limit))


def order(order_id: str) -> Ask[Order]:
    """Ask for one of one's orders."""
    return Ask("GET", f"/orders/{_part(order_id)}", Order)


def place(new: NewOrder) -> Ask[Order]:
    """Place an order; with a `client_order_id` it may be sent again when the outcome is unknown."""
    return Ask("POST", "/orders", Order, body=new)


def amend(order_id: str, *, quantity: int | None = None, price: float | None = None) -> Ask[Order]:
    """Change an order's total quantity, its price, or both."""
    body = {name: value for name, value in (("quantity", quantity), ("price", price)) if value is not None}
    return Ask("PATCH", f"/orders/{_part(order_id)}", Order, body=body)


def cancel(order_id: str) -> Ask[Order]:
    """Cancel an order."""
    return Ask("DELETE", f"/orders/{_part(order_id)}", Order)


def cancel_all(symbol: str | None = None) -> Ask[Raw]:
    """Cancel all of one's orders, or those of a symbol."""
    return Ask("DELETE", "/orders", Raw, _given(symbol=symbol))


def account() -> Ask[Account]:
    """Ask for one's account."""
    return Ask("GET", "/account", Account)


def positions() -> Ask[list[Position]]:
    """Ask for one's positions."""
    return Ask("GET", "/positions", list[Position])


def _part(text: str) -> str:
    return quote(text, safe="")


def _given(**params: str | int | None) -> Mapping[str, str | int]:
    return {name: value for name, value in params.items() if value is not None}
