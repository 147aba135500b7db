"""Reads of what happened to an investor's orders: the history behind every order's life and every fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, Select, select, tuple_

from api.history.places import begins_at, within
from api.history.reading import QUERY_MAX_S, History, self_trade_of
from api.history.transactions import cursor, cursor_of, identity_of
from api.recorder.tables import executions
from engine.domain import ExecutionType, SelfTrade


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRow:
    """One change of one order of one's own; `execution_id` says where it stands in the log."""

    execution_id: str
    time_ms: int
    execution_type: str
    status: str
    order_id: str
    client_order_id: str | None
    symbol: str
    side: str | None
    type: str | None
    time_in_force: str | None
    expires_at_ms: int | None
    price: float | None
    stop_price: float | None
    quantity: int | None
    display_quantity: int | None
    post_only: bool
    self_trade: SelfTrade
    filled_quantity: int
    remaining_quantity: int
    average_price: float | None
    last_price: float | None
    last_quantity: int | None
    fee: float | None
    liquidity: str | None
    reason: str | None
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPage:
    """Executions, newest first; `next_cursor` asks for those before them.

    Older ones than `history_begins_ms` were deleted; where it is null, none were.
    """

    executions: list[ExecutionRow]
    next_cursor: str | None
    history_begins_ms: int | None


class ExecutionFilter(Struct, frozen=True, kw_only=True):
    """Which executions of an investor are asked for; times include both ends."""

    investor_id: str
    order_id: str | None = None
    symbol: str | None = None
    execution_type: ExecutionType | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    cursor: str | None = None
    limit: int


def page(history: History, wanted: ExecutionFilter) -> ExecutionPage:
    """Give a page of executions, newest first; blocks.

    Raises
    ------
    BadCursorError
        When the cursor is not one that a page gave.
    HistoryUnavailableError
        When the database does not answer.
    QueryTooLongError
        When so few of the investor's are as wanted that looking for them takes too long.
    """
    with history.snapshot(seconds_max=QUERY_MAX_S) as connection:
        rows = connection.execute(_query(connection, wanted)).all()
        begins_ms = begins_at(connection)
    found = [_row(row) for row in rows[: wanted.limit]]
    return ExecutionPage(
        executions=found,
        next_cursor=found[-1].execution_id if len(rows) > wanted.limit else None,
        history_begins_ms=begins_ms,
    )


def _query(connection: Connection, wanted: ExecutionFilter) -> Select[Any]:
    table, identity = executions.c, identity_of(executions)
    query = (
        select(executions)
        .where(
            table.investor_id == wanted.investor_id,
            *within(connection, executions, wanted.start_ms, wanted.end_ms),
        )
        .order_by(*(column.desc() for column in identity))
        .limit(wanted.limit + 1)
    )
    for column, value in (
        (table.order_id, wanted.order_id),
        (table.symbol, wanted.symbol),
        (table.execution_type, wanted.execution_type),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.cursor is not None:
        query = query.where(tuple_(*identity) < tuple_(*cursor_of(wanted.cursor)))
    return query


def _row(row: Row[Any]) -> ExecutionRow:
    fields = row._mapping
    own = {name: fields[name] for name in ExecutionRow.__slots__ if name not in _MADE}
    return ExecutionRow(
        **own, execution_id=cursor(row), post_only=bool(row.post_only), self_trade=self_trade_of(row)
    )


_MADE = frozenset({"execution_id", "post_only", "self_trade"})
