"""Every question that a program may ask, with the type of its answer.

book = client.ask(asks.book("PETR4", levels=5))
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from types import NoneType
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from msgspec import Raw, Struct

from homebroker.client.values import (
    Account,
    Act,
    Book,
    CandleList,
    DailyPosition,
    ExecutionPage,
    NewOrder,
    Order,
    OrderPreview,
    Position,
    Ticker,
    Trade,
    TradePage,
    User,
)

_T = TypeVar("_T")


class Ask(Struct, Generic[_T], frozen=True):
    """A request, and what its answer is decoded to; None has none. `body` is sent as JSON, `form` as one.

    What moves money has an `idempotency_key`: asked again with the same one, it is done once.
    """

    method: str
    path: str
    answer: type[_T]
    params: Mapping[str, str | int] = {}
    body: object = None
    form: Mapping[str, str] = {}
    idempotency_key: str | None = None


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


def preview(new: NewOrder) -> Ask[OrderPreview]:
    """Ask what an order would do now; nothing is placed."""
    return Ask("POST", "/orders/preview", OrderPreview, body=new)


def executions(
    *,
    order_id: str | None = None,
    execution_type: str | None = None,
    limit: int = 500,
    cursor: str | None = None,
) -> Ask[ExecutionPage]:
    """Ask for a page of what happened to one's orders, newest first."""
    params = _given(order_id=order_id, execution_type=execution_type, limit=limit, cursor=cursor)
    return Ask("GET", "/executions", ExecutionPage, params)


def cancel_all(symbol: str | None = None) -> Ask[Raw]:
    """Cancel all of one's orders, or those of a symbol."""
    return Ask("DELETE", "/orders", Raw, _given(symbol=symbol))


def account() -> Ask[Account]:
    """Ask for one's account."""
    return Ask("GET", "/account", Account)


def positions() -> Ask[list[Position]]:
    """Ask for one's positions."""
    return Ask("GET", "/positions", list[Position])


def daily_positions() -> Ask[list[DailyPosition]]:
    """Ask for one's shares as each day left them, newest first."""
    return Ask("GET", "/portfolio/positions", list[DailyPosition])


def open_account() -> Ask[Act]:
    """Open the account that belongs to whoever is signed in."""
    return Ask("POST", "/account", Act)


def deposit(cash: float, *, idempotency_key: str | None = None) -> Ask[Act]:
    """Put play money in. The same ask sent again, when the outcome is unknown, comes in once.

    Parameters
    ----------
    idempotency_key : str, optional
        Names this deposit beyond the life of the ask; one is made for each otherwise.
    """
    return _transfer("/account/deposits", {"cash": cash}, idempotency_key)


def withdraw(cash: float, *, idempotency_key: str | None = None) -> Ask[Act]:
    """Take play money out, once, as `deposit` does."""
    return _transfer("/account/withdrawals", {"cash": cash}, idempotency_key)


def move(
    investor_id: str, what: Mapping[str, object], *, out: bool, idempotency_key: str | None = None
) -> Ask[Act]:
    """Put cash, or a quantity of a symbol, into anybody's account or take it out, once; for admins."""
    way = "withdrawals" if out else "deposits"
    return _transfer(f"/admin/accounts/{_part(investor_id)}/{way}", what, idempotency_key)


def me() -> Ask[User]:
    """Ask who is signed in."""
    return Ask("GET", "/auth/me", User)


def preferences() -> Ask[dict[str, Any]]:
    """Ask for what was saved for one's next visits, by name."""
    return Ask("GET", "/preferences", dict[str, Any])


def save_preference(name: str, value: object) -> Ask[None]:
    """Save something for one's next visits, in place of what had that name."""
    return Ask("PUT", f"/preferences/{_part(name)}", NoneType, body={"value": value})


def _transfer(path: str, what: Mapping[str, object], idempotency_key: str | None) -> Ask[Act]:
    return Ask("POST", path, Act, body=what, idempotency_key=idempotency_key or secrets.token_hex(16))


def _part(text: str) -> str:
    return quote(text, safe="")


def _given(**params: str | int | None) -> Mapping[str, str | int]:
    return {name: value for name, value in params.items() if value is not None}
