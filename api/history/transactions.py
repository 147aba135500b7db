"""Trades of the history: everybody's, and an investor's own, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Row, Select, Table, select, tuple_

from api.history.places import begins_at, within
from api.history.reading import QUERY_MAX_S, History
from api.payloads import OwnTradeRow, OwnTransactionPage, TradeRow, TransactionPage
from api.recorder.tables import executions, transactions
from engine.domain import Liquidity, Side

_CURSOR = re.compile(r"(\d{1,9})-(\d{1,18})-(\d{1,9})", re.ASCII)
Identity: TypeAlias = tuple[int, int, int]


class BadCursorError(ValueError):
    """A cursor that no page gave."""


class TransactionFilter(Struct, frozen=True, kw_only=True):
    """Which trades are asked for; times and prices include both ends.

    With an `investor_id` they are that investor's own, from its side: `side` is then whether it bought or
    sold, and else which side took the other's price.
    """

    symbol: str | None = None
    investor_id: str | None = None
    side: Side | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    price_min: float | None = None
    price_max: float | None = None
    cursor: str | None = None
    limit: int


def transactions_page(history: History, wanted: TransactionFilter) -> TransactionPage | OwnTransactionPage:
    """Give a page of trades, newest first.

    Raises
    ------
    BadCursorError
        When the cursor is not one that a page gave.
    QueryTooLongError
        When so few trades are as wanted that looking for them takes too long.
    """
    after = None if wanted.cursor is None else cursor_of(wanted.cursor)
    with history.snapshot(seconds_max=QUERY_MAX_S) as connection:
        rows = connection.execute(query(connection, wanted, after=after, limit=wanted.limit + 1)).all()
        begins_ms = begins_at(connection)
    page = rows[: wanted.limit]
    following = cursor(page[-1]) if len(rows) > wanted.limit else None
    if wanted.investor_id is None:
        return TransactionPage(
            transactions=[trade_row(row) for row in page], next_cursor=following, history_begins_ms=begins_ms
        )
    return OwnTransactionPage(
        transactions=[_own_row(row) for row in page], next_cursor=following, history_begins_ms=begins_ms
    )


def query(
    connection: Connection, wanted: TransactionFilter, *, after: Identity | None, limit: int
) -> Select[Any]:
    """Give the query of trades, newest first, behind an identity where one is given."""
    table = transactions if wanted.investor_id is None else executions
    identity = identity_of(table)
    chosen = (
        select(*_columns(table), *identity).order_by(*(column.desc() for column in identity)).limit(limit)
    )
    if after is not None:
        chosen = chosen.where(tuple_(*identity) < tuple_(*after))
    return chosen.where(
        *_conditions(table, wanted), *within(connection, table, wanted.start_ms, wanted.end_ms)
    )


def identity_of(table: Table) -> Sequence[Any]:
    """Give the columns that name a record, which are also its order."""
    return (table.c["shard"], table.c["offset"], table.c["index"])


def cursor(row: Row[Any]) -> str:
    """Give what asks for the rows behind one."""
    return f"{row.shard}-{row.offset}-{row.index}"


def cursor_of(text: str) -> Identity:
    """Read a cursor; raises `BadCursorError`."""
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise BadCursorError
    shard, offset, index = map(int, found.groups())
    return shard, offset, index


def trade_row(row: Row[Any]) -> TradeRow:
    """Give a row of `transactions` without who traded."""
    return TradeRow(
        transaction_id=cursor(row),
        symbol=row.symbol,
        price=row.price,
        quantity=row.quantity,
        taker_side=Side(row.taker_side),
        time_ms=row.time_ms,
    )


def _columns(table: Table) -> list[Any]:
    names = ("time_ms", "symbol")
    if table is transactions:
        return [table.c[name] for name in (*names, "price", "quantity", "taker_side")]
    own = ("transaction_id", "order_id", "client_order_id", "side", "liquidity", "fee")
    return [
        *(table.c[name] for name in (*names, *own)),
        table.c.last_price.label("price"),
        table.c.last_quantity.label("quantity"),
    ]


def _conditions(table: Table, wanted: TransactionFilter) -> list[ColumnElement[bool]]:
    of_all = table is transactions
    price = table.c.price if of_all else table.c.last_price
    side = table.c.taker_side if of_all else table.c.side
    conditions: list[ColumnElement[bool]] = []
    if not of_all:
        conditions += [table.c.investor_id == wanted.investor_id, table.c.transaction_id.is_not(None)]
    if wanted.symbol is not None:
        conditions.append(table.c.symbol == wanted.symbol)
    if wanted.side is not None:
        conditions.append(side == wanted.side.value)
    if wanted.price_min is not None:
        conditions.append(price >= wanted.price_min)
    if wanted.price_max is not None:
        conditions.append(price <= wanted.price_max)
    return conditions


def _own_row(row: Row[Any]) -> OwnTradeRow:
    return OwnTradeRow(
        transaction_id=row.transaction_id,
        symbol=row.symbol,
        price=row.price,
        quantity=row.quantity,
        side=Side(row.side),
        time_ms=row.time_ms,
        order_id=row.order_id,
        client_order_id=row.client_order_id,
        liquidity=None if row.liquidity is None else Liquidity(row.liquidity),
        fee=row.fee,
    )
