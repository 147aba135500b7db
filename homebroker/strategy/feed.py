"""Kafka's records as the market's events, for the eyes of strategies and of simulated investors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engine.domain import BookChanged, Execution, Level, Trade
from engine.identity import SeenBooks, SeenOutputs
from engine.log import LogRecord
from engine.topics import BOOK, EXECUTIONS, TRANSACTIONS
from engine.units import units_from_decimal
from engine.wire.records import (
    BookRecord,
    ExecutionReport,
    PriceLevel,
    Transaction,
    decode_book,
    decode_execution,
    decode_transaction,
)

FEED_TOPICS = (BOOK, TRANSACTIONS, EXECUTIONS)


class Heard(NamedTuple):
    """An event, the market's time at it, and the offset of the command that caused it."""

    event: Trade | Execution | BookChanged
    time_ms: int
    offset: int


class Feed:
    """Turns records into events, each once."""

    def __init__(self) -> None:
        self._trades, self._executions, self._books = SeenOutputs(), SeenOutputs(), SeenBooks()

    def event(self, record: LogRecord) -> Heard | None:
        """Give a record's event, or None for a repeat."""
        if record.value is None:
            return None
        if record.topic == TRANSACTIONS:
            transaction = decode_transaction(record.value)
            if not self._trades.is_new(transaction):
                return None
            return Heard(_trade(transaction), transaction.time_ms, transaction.offset)
        if record.topic == EXECUTIONS:
            report = decode_execution(record.value)
            if not self._executions.is_new(report):
                return None
            return Heard(_execution(report), report.time_ms, report.offset)
        book = decode_book(record.value)
        return Heard(_book(book), book.time_ms, book.offset) if self._books.is_new(book) else None


def in_order(heard: Iterable[Heard | None]) -> list[Heard]:
    """Give events by the command that caused them, and of one command trades, reports and then the book."""
    return sorted((each for each in heard if each is not None), key=_place)


def _place(heard: Heard) -> tuple[int, int]:
    event = heard.event
    return heard.offset, 0 if isinstance(event, Trade) else 1 if isinstance(event, Execution) else 2


def _trade(record: Transaction) -> Trade:
    return Trade(
        symbol=record.symbol,
        price_units=units_from_decimal(record.price),
        quantity=record.quantity,
        buyer_id=record.buyer_id,
        seller_id=record.seller_id,
        buy_order_id=record.buy_order_id,
        sell_order_id=record.sell_order_id,
        taker_side=record.taker_side,
    )


def _execution(report: ExecutionReport) -> Execution:
    return Execution(
        execution_type=report.execution_type,
        status=report.status,
        order_id=report.order_id,
        investor_id=report.investor_id,
        symbol=report.symbol,
        side=report.side,
        type=report.type,
        time_in_force=report.time_in_force,
        price_units=_units(report.price),
        quantity=report.quantity,
        filled_quantity=report.filled_quantity,
        remaining_quantity=report.remaining_quantity,
        last_price_units=_units(report.last_price),
        last_quantity=report.last_quantity,
        fee_units=_units(report.fee),
        liquidity=report.liquidity,
        reason=report.reason,
        message=report.message,
    )


def _book(record: BookRecord) -> BookChanged:
    return BookChanged(
        symbol=record.symbol,
        offset=record.offset,
        previous_offset=record.previous_offset,
        time_ms=record.time_ms,
        snapshot=record.snapshot,
        bids=_levels(record.bids),
        asks=_levels(record.asks),
    )


def _levels(levels: tuple[PriceLevel, ...]) -> tuple[Level, ...]:
    return tuple(Level(units_from_decimal(price), quantity, orders) for price, quantity, orders in levels)


def _units(amount: float | None) -> int | None:
    return None if amount is None else units_from_decimal(amount)
