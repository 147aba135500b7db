"""Reads of the history that the recorder writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Engine, Row, Select, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from api.database import open_database
from api.payloads import OrderRow, TradeRow, TransactionPage
from api.recorder.tables import orders, positions_in_log, transactions
from engine.domain import OPEN_STATUSES, OrderType, Reason, Side, Status, TimeInForce

_CURSOR = re.compile(r"(\d{1,9})-(\d{1,18})-(\d{1,9})", re.ASCII)


class BadCursorError(ValueError):
    """A cursor that no page gave."""


class HistoryUnavailableError(Exception):
    """The database does not answer, or the recorder has not made its tables yet."""


class TransactionFilter(Struct, frozen=True, kw_only=True):
    """Which trades are asked for; times include both ends."""

    symbol: str | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    cursor: str | None = None
    limit: int


class History:
    """The database as the API reads it; its methods block and belong in a thread."""

    def __init__(self, database_url: str) -> None:
        self._database: Engine = open_database(database_url)

    def close(self) -> None:
        """Close the connections."""
        self._database.dispose()

    def transactions(self, wanted: TransactionFilter) -> TransactionPage:
        """Give a page of trades, newest first.

        Raises
        ------
        BadCursorError
            When the cursor is not one that a page gave.
        """
        rows = self.rows(_transactions_query(wanted))
        more = len(rows) > wanted.limit
        page = [_trade(row) for row in rows[: wanted.limit]]
        return TransactionPage(transactions=page, next_cursor=page[-1].transaction_id if more else None)

    def order(self, investor_id: str, order_id: str) -> OrderRow | None:
        """Give an investor's order, if there was one."""
        query = select(orders).where(orders.c.investor_id == investor_id, orders.c.order_id == order_id)
        rows = self.rows(query)
        return _order(rows[0]) if rows else None

    def finished_orders(self, investor_id: str, symbol: str | None, limit: int) -> list[OrderRow]:
        """Give an investor's newest orders that have ended, newest first."""
        table = orders.c
        query = (
            select(orders)
            .where(table.investor_id == investor_id, table.status.not_in(sorted(OPEN_STATUSES)))
            .order_by(table.created_ms.desc(), table["offset"].desc(), table["index"].desc())
            .limit(limit)
        )
        if symbol is not None:
            query = query.where(table.symbol == symbol)
        return [_order(row) for row in self.rows(query)]

    def positions_in_log(self) -> dict[str, int]:
        """Give how far the recorder has read each topic."""
        return {row.topic: row.next_offset for row in self.rows(select(positions_in_log))}

    def rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        """Read a query's rows; raises `HistoryUnavailableError`, as all methods here do."""
        try:
            with self._database.connect() as connection:
                return connection.execute(query).all()
        except SQLAlchemyError as error:
            raise HistoryUnavailableError(str(error)) from error


def _transactions_query(wanted: TransactionFilter) -> Select[tuple[object, ...]]:
    table = transactions.c
    identity = (table["shard"], table["offset"], table["index"])
    query = select(transactions).order_by(*(column.desc() for column in identity)).limit(wanted.limit + 1)
    if wanted.symbol is not None:
        query = query.where(table.symbol == wanted.symbol)
    if wanted.start_ms is not None:
        query = query.where(table.time_ms >= wanted.start_ms)
    if wanted.end_ms is not None:
        query = query.where(table.time_ms <= wanted.end_ms)
    if wanted.cursor is not None:
        query = query.where(tuple_(*identity) < tuple_(*_cursor(wanted.cursor)))
    return query


def _cursor(text: str) -> tuple[int, ...]:
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise BadCursorError
    return tuple(map(int, found.groups()))


def _trade(row: Row[tuple[object, ...]]) -> TradeRow:
    return TradeRow(
        transaction_id=row.transaction_id,
        symbol=row.symbol,
        price=row.price,
        quantity=row.quantity,
        taker_side=Side(row.taker_side),
        time_ms=row.time_ms,
    )


def _order(row: Row[tuple[object, ...]]) -> OrderRow:
    return OrderRow(
        order_id=row.order_id,
        client_order_id=row.client_order_id,
        symbol=row.symbol,
        side=Side(row.side),
        type=OrderType(row.type),
        time_in_force=TimeInForce(row.time_in_force),
        price=row.price,
        stop_price=row.stop_price,
        quantity=row.quantity,
        filled_quantity=row.filled_quantity,
        remaining_quantity=row.remaining_quantity,
        average_price=row.average_price,
        status=Status(row.status),
        reason=Reason(row.reason) if row.reason else None,
        message=row.message,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
    )
