"""A seeded market as its topics hold it: trades, accounts, open orders, assets, and the books' tail.

What is not there: the reports of the orders that traded, which a start with the history does not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from bench.history import INVESTORS, record, trades
from engine.domain import ExecutionType, OrderType, Phase, Side, Status, TimeInForce
from engine.log import LogReader, LogWriter, NewRecord
from engine.topics import ACCOUNTS, ASSETS, BOOK, EXECUTIONS, TRANSACTIONS
from engine.wire.records import (
    AccountRecord,
    AssetRecord,
    BookRecord,
    ExecutionReport,
    PositionRecord,
    encode,
)
from homebroker.settings import Settings

SYMBOLS: Final = 100
OPEN_ORDERS: Final = 100_000
_POSITIONS: Final = 20
_BOOK_RECORDS: Final = 60_000
_WHOLE_BOOK_EVERY: Final = 100
_TRADES_A_SECOND: Final = 20.0
_CHUNK: Final = 100_000
_NAMES: Final = [f"BENCH{number:03d}" for number in range(SYMBOLS)]


async def write_market(settings: Settings, *, trades: int) -> None:
    """Write it, as far as it is not there."""
    async with LogReader(settings.connection) as reader, LogWriter(settings.connection) as writer:
        for topic, records in (
            (ASSETS, _assets()),
            (ACCOUNTS, _accounts()),
            (EXECUTIONS, _open_orders()),
            (BOOK, _books()),
            (TRANSACTIONS, _trades(trades)),
        ):
            there = await reader.end_offset(topic, 0)
            if topic == ASSETS and there:
                # Compaction leaves holes; it was written whole.
                continue
            left = islice(records, there, None)
            while chunk := list(islice(left, _CHUNK)):
                await writer.append_all(topic, chunk)


def _trades(count: int) -> Iterator[NewRecord]:
    for row in trades(count, symbols=SYMBOLS, trades_a_second=_TRADES_A_SECOND):
        yield NewRecord(row.symbol.encode(), record(row), row.time_ms)


def _assets() -> Iterator[NewRecord]:
    for offset, symbol in enumerate(_NAMES):
        asset = AssetRecord(
            shard=0,
            offset=offset,
            index=0,
            time_ms=0,
            symbol=symbol,
            name=f"{symbol} name",
            tick_size=0.01,
            lot_size=1,
            reference_price=40.0,
            price_band=None,
            maker_fee_bps=0.0,
            taker_fee_bps=0.0,
            phase=Phase.CONTINUOUS,
        )
        yield NewRecord(symbol.encode(), encode(asset))


def _accounts() -> Iterator[NewRecord]:
    for number in range(INVESTORS):
        held = tuple(
            PositionRecord(
                symbol=_NAMES[(number + place) % SYMBOLS],
                quantity=100,
                held_quantity=0,
                average_price=40.0,
                realized_profit=1.5,
            )
            for place in range(_POSITIONS)
        )
        account = AccountRecord(
            shard=0,
            offset=SYMBOLS + number,
            index=0,
            time_ms=0,
            investor_id=f"bench-{number:04d}",
            cash=1_000_000.0,
            held_cash=0.0,
            positions=held,
        )
        yield NewRecord(account.investor_id.encode(), encode(account))


def _open_orders() -> Iterator[NewRecord]:
    for number in range(OPEN_ORDERS):
        report = ExecutionReport(
            shard=0,
            offset=SYMBOLS + INVESTORS + number,
            index=0,
            time_ms=0,
            execution_type=ExecutionType.NEW,
            status=Status.NEW,
            order_id=f"o-{number:08d}",
            client_order_id=None,
            investor_id=f"bench-{number % INVESTORS:04d}",
            symbol=_NAMES[number % SYMBOLS],
            side=Side.BUY,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            price=30.0,
            stop_price=None,
            quantity=100,
            filled_quantity=0,
            remaining_quantity=100,
            average_price=None,
        )
        yield NewRecord(report.investor_id.encode(), encode(report))


def _books() -> Iterator[NewRecord]:
    told = [-1] * SYMBOLS
    for number in range(_BOOK_RECORDS):
        symbol = number % SYMBOLS
        whole = number // SYMBOLS % _WHOLE_BOOK_EVERY == 0
        levels, quantity = range(20 if whole else 2), 100 + number % 50
        book = BookRecord(
            symbol=_NAMES[symbol],
            shard=0,
            offset=number,
            previous_offset=told[symbol],
            time_ms=0,
            snapshot=whole,
            bids=tuple((round(39.9 - level / 100, 2), quantity, 3) for level in levels),
            asks=tuple((round(40.1 + level / 100, 2), quantity, 3) for level in levels),
        )
        told[symbol] = number
        yield NewRecord(book.symbol.encode(), encode(book))
