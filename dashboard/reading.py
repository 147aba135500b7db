"""The slower pages' questions to the API: orders and their lives, an account over time, past trades."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import urlencode

from dashboard.client import Client, SignedInClient
from dashboard.records import (
    Candle,
    CandleList,
    DailyPosition,
    Execution,
    ExecutionPage,
    PastOrder,
    Trade,
    TradePage,
)

ORDERS_MAX: Final = 1_000
PAGE_MAX: Final = 1_000
EXECUTIONS_MAX: Final = 5_000

_Row = TypeVar("_Row")


def orders(person: SignedInClient, *, symbol: str | None = None) -> list[PastOrder]:
    """List a person's newest orders, open and ended, newest first; at most `ORDERS_MAX`."""
    query = _query(status="all", symbol=symbol, limit=ORDERS_MAX)
    return person.ask("GET", f"/orders?{query}", list[PastOrder])


def executions(
    person: SignedInClient,
    *,
    order_id: str | None = None,
    execution_type: str | None = None,
    rows_max: int = EXECUTIONS_MAX,
) -> list[Execution]:
    """List what happened to a person's orders, newest first; at most `rows_max`."""

    def page(limit: int, cursor: str | None) -> tuple[list[Execution], str | None]:
        query = _query(order_id=order_id, execution_type=execution_type, limit=limit, cursor=cursor)
        given = person.ask("GET", f"/executions?{query}", ExecutionPage)
        return given.executions, given.next_cursor

    return _pages(page, rows_max)


def daily_positions(person: SignedInClient) -> list[DailyPosition]:
    """Give a person's shares as each day left them, newest first."""
    return person.ask("GET", "/portfolio/positions", list[DailyPosition])


def candles(client: Client, symbol: str, *, interval: str, limit: int) -> list[Candle]:
    """Give a symbol's newest candles, oldest first."""
    query = _query(interval=interval, limit=limit)
    return client.ask("GET", f"/candles/{symbol}?{query}", CandleList).candles


def trades(client: Client, symbol: str, *, start_ms: int, rows_max: int) -> list[Trade]:
    """Give a symbol's trades since a moment, newest first; at most `rows_max`, the newest ones."""

    def page(limit: int, cursor: str | None) -> tuple[list[Trade], str | None]:
        query = _query(symbol=symbol, start_ms=start_ms, limit=limit, cursor=cursor)
        given = client.ask("GET", f"/transactions?{query}", TradePage)
        return given.transactions, given.next_cursor

    return _pages(page, rows_max)


def _pages(page: Callable[[int, str | None], tuple[list[_Row], str | None]], rows_max: int) -> list[_Row]:
    """Ask for pages, each behind the one before, until there are no more or rows enough."""
    found, cursor = page(min(PAGE_MAX, rows_max), None)
    while cursor is not None and len(found) < rows_max:
        rows, cursor = page(min(PAGE_MAX, rows_max - len(found)), cursor)
        found += rows
    return found


def _query(**fields: str | int | None) -> str:
    return urlencode({name: value for name, value in fields.items() if value is not None})
