"""The slower pages' questions to the API that take several pages of answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from dashboard.client import SignedInClient
from homebroker.client import Client, PastExecution, Trade, asks

PAGE_MAX: Final = 1_000
EXECUTIONS_MAX: Final = 5_000

_Row = TypeVar("_Row")


def executions(
    person: SignedInClient,
    *,
    order_id: str | None = None,
    execution_type: str | None = None,
    rows_max: int = EXECUTIONS_MAX,
) -> list[PastExecution]:
    """List what happened to a person's orders, newest first; at most `rows_max`."""

    def page(limit: int, cursor: str | None) -> tuple[list[PastExecution], str | None]:
        ask = asks.executions(order_id=order_id, execution_type=execution_type, limit=limit, cursor=cursor)
        given = person.ask(ask)
        return given.executions, given.next_cursor

    return _pages(page, rows_max)


def trades(client: Client, symbol: str, *, start_ms: int, rows_max: int) -> list[Trade]:
    """Give a symbol's trades since a moment, newest first; at most `rows_max`, the newest ones."""

    def page(limit: int, cursor: str | None) -> tuple[list[Trade], str | None]:
        given = client.ask(asks.transactions(symbol=symbol, start_ms=start_ms, limit=limit, cursor=cursor))
        return given.transactions, given.next_cursor

    return _pages(page, rows_max)


def _pages(page: Callable[[int, str | None], tuple[list[_Row], str | None]], rows_max: int) -> list[_Row]:
    """Ask for pages, each behind the one before, until there are no more or rows enough."""
    found, cursor = page(min(PAGE_MAX, rows_max), None)
    while cursor is not None and len(found) < rows_max:
        rows, cursor = page(min(PAGE_MAX, rows_max - len(found)), cursor)
        found += rows
    return found
