"""The database as the API reads it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from api.database import open_database
from api.payloads import OrderRow
from api.recorder.tables import executions, orders, positions_in_log
from engine.domain import (
    OPEN_STATUSES,
    ExecutionType,
    OrderType,
    Reason,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
)

QUERY_MAX_S = 5.0
_STEPS_BETWEEN_LOOKS = 100_000
_POSTGRESQL_CANCELED = "57014"
_POSTGRESQL_NO_TABLE = "42P01"


class HistoryUnavailableError(Exception):
    """The database does not answer, or the recorder has not made its tables yet."""


class NoTablesError(HistoryUnavailableError):
    """The database answers, and the recorder has not made its tables yet."""


class QueryTooLongError(Exception):
    """A query that keeps the database busy for longer than one reader may."""


class History:
    """The recorder's tables; methods block and belong in a thread, and raise `HistoryUnavailableError`."""

    def __init__(self, database_url: str) -> None:
        self._database: Engine = open_database(database_url)

    def close(self) -> None:
        """Close the connections."""
        self._database.dispose()

    def order(self, investor_id: str, order_id: str) -> OrderRow | None:
        """Give an investor's order, if there was one."""
        query = select(orders).where(orders.c.investor_id == investor_id, orders.c.order_id == order_id)
        rows = self.rows(query)
        return _order(rows[0]) if rows else None

    def placed_order(self, investor_id: str, order_id: str) -> OrderRow | None:
        """Give an order as it was when it was accepted, whatever became of it; None where that is deleted."""
        told, order = executions.c, orders.c
        first = (
            (told.shard == order.shard)
            & (told.offset == order.created_offset)
            & (told.order_id == order.order_id)
            & (told.execution_type == ExecutionType.NEW)
        )
        query = (
            select(*executions.columns, order.created_ms, told.time_ms.label("updated_ms"))
            .join(orders, first)
            .where(order.investor_id == investor_id, order.order_id == order_id)
        )
        rows = self.rows(query)
        return _order(rows[0]) if rows else None

    def finished_orders(self, investor_id: str, symbol: str | None, limit: int) -> list[OrderRow]:
        """Give an investor's newest orders that have ended, newest first."""
        table = orders.c
        query = (
            select(orders)
            .where(table.investor_id == investor_id, table.status.not_in(sorted(OPEN_STATUSES)))
            .order_by(table.created_ms.desc(), table.created_offset.desc())
            .limit(limit)
        )
        if symbol is not None:
            query = query.where(table.symbol == symbol)
        return [_order(row) for row in self.rows(query)]

    def positions_in_log(self) -> dict[str, int]:
        """Give how far the recorder has read each topic; raises `NoTablesError` before it has made any."""
        return {row.topic: row.next_offset for row in self.rows(select(positions_in_log))}

    def rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        """Read a query's rows."""
        with self.snapshot() as connection:
            return connection.execute(query).all()

    @contextmanager
    def snapshot(self, *, seconds_max: float | None = None) -> Iterator[Connection]:
        """Read what the database holds at one moment, whatever the recorder writes meanwhile.

        Parameters
        ----------
        seconds_max : float, optional
            How long it may take in all.

        Raises
        ------
        QueryTooLongError
            When it takes longer.
        """
        try:
            with self._database.connect() as connection:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN")
                    with _interrupted_after(connection, seconds_max):
                        yield connection
                else:
                    connection.execution_options(isolation_level="REPEATABLE READ")
                    if seconds_max is not None:
                        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {seconds_max * 1_000:.0f}")
                    yield connection
        except SQLAlchemyError as error:
            if _was_interrupted(error):
                raise QueryTooLongError from error
            kind = NoTablesError if _is_without_tables(error) else HistoryUnavailableError
            # What the database says, without the statement and the links that SQLAlchemy adds.
            raise kind(str(getattr(error, "orig", None) or error)) from error


@contextmanager
def _interrupted_after(connection: Connection, seconds_max: float | None) -> Iterator[None]:
    if seconds_max is None:
        yield
        return
    until_s = time.monotonic() + seconds_max
    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: time.monotonic() > until_s, _STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


def _was_interrupted(error: SQLAlchemyError) -> bool:
    if not isinstance(error, OperationalError):
        return False
    return getattr(error.orig, "sqlstate", None) == _POSTGRESQL_CANCELED or str(error.orig) == "interrupted"


def _is_without_tables(error: SQLAlchemyError) -> bool:
    cause = getattr(error, "orig", None)
    return getattr(cause, "sqlstate", None) == _POSTGRESQL_NO_TABLE or "no such table" in str(cause)


def self_trade_of(row: Row[Any]) -> SelfTrade:
    """Tell an order's way with its investor's other orders; the default where its row says none."""
    return SelfTrade(row.self_trade or SelfTrade.EXPIRE_TAKER)


def _order(row: Row[tuple[object, ...]]) -> OrderRow:
    return OrderRow(
        order_id=row.order_id,
        client_order_id=row.client_order_id,
        symbol=row.symbol,
        side=Side(row.side),
        type=OrderType(row.type),
        time_in_force=TimeInForce(row.time_in_force),
        expires_at_ms=row.expires_at_ms,
        price=row.price,
        stop_price=row.stop_price,
        quantity=row.quantity,
        display_quantity=row.display_quantity,
        post_only=bool(row.post_only),
        self_trade=self_trade_of(row),
        filled_quantity=row.filled_quantity,
        remaining_quantity=row.remaining_quantity,
        average_price=row.average_price,
        status=Status(row.status),
        reason=Reason(row.reason) if row.reason else None,
        message=row.message,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
    )
