"""Deletes old trades, executions and orders, piece by piece, so that no answer about the present changes.

Accounts, positions, candles and the minutes of accounts stay; of what an investor paid in fees the sum of a
minute is kept. Of each symbol the newest trades stay, however old: the last price is one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import structlog
from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    and_,
    cast,
    delete,
    func,
    literal_column,
    not_,
    select,
    tuple_,
)

from api.history.candles import traded_symbols
from api.history.places import first_offset
from api.live.candles import INTERVALS_MS, bucket_start
from api.live.trades import TRADES_MAX
from api.recorder.store import HistoryStore, Writer, read_places
from api.recorder.tables import MINUTE_MS, executions, orders, transactions
from api.recorder.upserts import ADDED_FEES, LATER_BEGINNING
from engine.domain import UNITS_PER_CURRENCY
from engine.topics import TRANSACTIONS

PIECE_OFFSETS: Final = 5_000
"""Commands whose records are deleted in one transaction."""
_TABLES: Final = (executions, transactions)
_DAY_MS: Final = INTERVALS_MS["1d"]

_log = structlog.get_logger("recorder")


class _Plan(Struct, frozen=True, kw_only=True):
    """What is deleted of a shard: of each table before an offset, of some symbols only before another."""

    shard: int
    ends: Mapping[str, int]
    kept_from: Mapping[str, int]


class Retention:
    """Keeps a history to some days; blocks, and belongs into the thread that writes.

    Parameters
    ----------
    days : int
        Whole days of the market, before the one that it is in, that are kept; 0: all.
    """

    def __init__(self, store: HistoryStore, days: int) -> None:
        self._store = store
        self._days = days
        self._done_ms: dict[int, int] = {}
        self._pieces: Iterator[int] | None = None

    def delete_piece(self) -> bool:
        """Delete some of what is too old; tells whether there may be more."""
        if not self._days:
            return False
        if self._pieces is None:
            self._pieces = self._all_pieces()
        deleted = next(self._pieces, None)
        if deleted is None:
            self._pieces = None
        return deleted is not None

    def _all_pieces(self) -> Iterator[int]:
        with self._store.database.connect() as connection:
            times_ms = {
                shard: place.time_ms or 0
                for (topic, shard), place in read_places(connection).items()
                if topic == TRANSACTIONS
            }
        for shard, time_ms in times_ms.items():
            begin_ms = bucket_start(time_ms, _DAY_MS) - self._days * _DAY_MS
            # A day's records are deleted once, when it is too old.
            if begin_ms <= self._done_ms.get(shard, 0):
                continue
            plan = self._planned(shard, begin_ms)
            total = 0
            for rows in self._pieces_of(plan):
                total += rows
                yield rows
            self._done_ms[shard] = begin_ms
            if total:
                _log.info("deleted old records", rows=total, history_begins_ms=begin_ms)

    def _planned(self, shard: int, begin_ms: int) -> _Plan:
        # What pages say of where the history begins is true before the first record goes.
        with self._store.writing() as (connection, writer):
            ends = {table.name: first_offset(connection, table, shard, begin_ms) for table in _TABLES}
            kept_from = _kept_from(connection, shard, ends[transactions.name])
            plan = _Plan(shard=shard, ends=ends, kept_from=kept_from)
            if any(_next_offset(connection, table, plan, 0) is not None for table in _TABLES):
                writer.put(connection, LATER_BEGINNING, [(shard, begin_ms)])
        return plan

    def _pieces_of(self, plan: _Plan) -> Iterator[int]:
        for table in _TABLES:
            high = 0
            while True:
                with self._store.writing() as (connection, writer):
                    low = _next_offset(connection, table, plan, high)
                    if low is None:
                        break
                    high = min(low + PIECE_OFFSETS, plan.ends[table.name])
                    if table is executions:
                        _keep_fees(connection, writer, _within(executions, plan, low, high))
                        _delete_ended(connection, plan, low, high)
                    deleted = _delete(connection, table, plan, low, high)
                yield deleted


def _within(table: Table, plan: _Plan, low: int, high: int) -> ColumnElement[bool]:
    offset = table.c["offset"]
    return and_(table.c.shard == plan.shard, offset >= low, offset < high)


def _next_offset(connection: Connection, table: Table, plan: _Plan, low: int) -> int | None:
    """Give the offset of the first record from one on that is before the end."""
    offset = table.c["offset"]
    chosen = select(func.min(offset)).where(_within(table, plan, low, plan.ends[table.name]))
    found = connection.execute(chosen).scalar()
    return None if found is None else int(found)


def _kept_from(connection: Connection, shard: int, end: int) -> dict[str, int]:
    """Give, of symbols whose newest trades are old, the offset from which on these stay.

    They are as many as the live view keeps, and all of the newest candle that is not stored.
    """
    table = transactions.c
    kept: dict[str, int] = {}
    for symbol in traded_symbols(connection):
        newest_first = (
            select(table["offset"], table.time_ms)
            .where(table.symbol == symbol, table.shard == shard)
            .order_by(table["offset"].desc(), table["index"].desc())
        )
        newest = connection.execute(newest_first.limit(1)).one_or_none()
        if newest is not None:
            minute = first_offset(connection, transactions, shard, bucket_start(newest.time_ms, MINUTE_MS))
            first = connection.execute(newest_first.offset(TRADES_MAX - 1).limit(1)).scalar()
            kept[symbol] = min(minute, 0 if first is None else first)
    return {symbol: offset for symbol, offset in kept.items() if offset < end}


def _keep_fees(connection: Connection, writer: Writer, within: ColumnElement[bool]) -> None:
    paid, minute = executions.c, literal_column(str(MINUTE_MS), BigInteger)
    begun_ms = paid.time_ms - paid.time_ms % minute
    units = func.sum(cast(func.round(paid.fee * UNITS_PER_CURRENCY), BigInteger))
    chosen = select(paid.investor_id, begun_ms, units).where(within, paid.fee.is_not(None))
    rows = connection.execute(chosen.group_by(paid.investor_id, begun_ms)).all()
    writer.put(connection, ADDED_FEES, [(investor, minute_ms, int(fee)) for investor, minute_ms, fee in rows])


def _delete_ended(connection: Connection, plan: _Plan, low: int, high: int) -> None:
    """Delete the orders that have ended with a report that goes."""
    order = orders.c
    # Orders have no index by their last report, but by what that report names.
    named = select(executions.c.investor_id, executions.c.order_id).where(
        _within(executions, plan, low, high)
    )
    ended = and_(order.remaining_quantity == 0, _within(orders, plan, low, high))
    connection.execute(delete(orders).where(tuple_(order.investor_id, order.order_id).in_(named), ended))


def _delete(connection: Connection, table: Table, plan: _Plan, low: int, high: int) -> int:
    chosen = delete(table).where(_within(table, plan, low, high))
    if table is transactions:
        for symbol, offset in plan.kept_from.items():
            chosen = chosen.where(not_(and_(table.c.symbol == symbol, table.c["offset"] >= offset)))
    return connection.execute(chosen).rowcount
