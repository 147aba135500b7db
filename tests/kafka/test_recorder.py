"""The recorder beside a real Kafka: whatever dies in between, the history is the log."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from api import recorder
from engine.domain import Side
from engine.log import Connection, LogReader, LogWriter, NewRecord, read_between
from engine.progress import State
from engine.topics import BOOK, EXECUTIONS, TRANSACTIONS
from engine.wire.records import decode_transaction
from tests.api.exchange import Exchange
from tests.kafka.waiting import until

pytestmark = pytest.mark.kafka


def played(orders: int) -> Exchange:
    """Give a market with some trades."""
    exchange = Exchange()
    exchange.open()
    for number in range(orders):
        exchange.time_ms += 3
        side = Side.SELL if number % 2 else Side.BUY
        exchange.place(f"o-{number}", side, 5, 10.0, investor_id="ana" if number % 2 else "bia")
    return exchange


async def write(connection: Connection, exchange: Exchange, *, part: slice = slice(None)) -> None:
    """Send what the engine wrote, or a part of each topic, to Kafka."""
    async with LogWriter(connection) as writer:
        for topic in {record.topic for record in exchange.records} - {BOOK}:
            records = [record for record in exchange.records if record.topic == topic][part]
            await writer.append_all(topic, [NewRecord(r.key, r.value or b"", r.time_ms) for r in records])


@asynccontextmanager
async def recording(connection: Connection, url: str) -> AsyncIterator[list[tuple[State, str]]]:
    """Run a recorder for as long as the context lasts; gives its reports."""
    reports: list[tuple[State, str]] = []
    task = asyncio.create_task(
        recorder.run(connection, url, report=lambda state, detail: reports.append((state, detail)))
    )
    try:
        yield reports
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask the database."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def counted(path: Path, table: str) -> int:
    """Count a table's rows; none before it is made."""
    try:
        return int(rows(path, f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - our own tables' names
    except sqlite3.OperationalError:
        return 0


async def test_the_history_is_the_log_through_restarts_and_repeats(
    connection: Connection, tmp_path: Path
) -> None:
    path, exchange = tmp_path / "history.sqlite", played(400)
    url = f"sqlite:///{path}"
    await write(connection, exchange, part=slice(0, 150))
    async with recording(connection, url) as reports:
        await until(lambda: State.READY in [state for state, _ in reports], "ready")
        assert counted(path, "transactions") == 150
    # An engine that was cut off repeats what it had sent, then goes on.
    await write(connection, exchange, part=slice(100, None))
    async with recording(connection, url):
        expected = {
            topic: sum(record.topic == topic for record in exchange.records)
            for topic in (TRANSACTIONS, EXECUTIONS)
        }
        for topic, count in expected.items():
            await until(lambda topic=topic, count=count: counted(path, topic) == count, f"all {topic}")
    recorded = rows(
        path,
        """SELECT shard || '-' || "offset" || '-' || "index", price, quantity FROM transactions
        ORDER BY "offset", "index" """,
    )
    told: list[tuple[str, float, int]] = []
    async with LogReader(connection) as reader:
        end = await reader.end_offset(TRANSACTIONS, 0)
    async for batch in read_between(connection, TRANSACTIONS, 0, 0, end):
        for record in batch:
            trade = decode_transaction(record.value or b"")
            told.append((trade.transaction_id, trade.price, trade.quantity))
    assert recorded == list(dict.fromkeys(told))
    assert rows(path, "SELECT next_offset FROM positions_in_log WHERE topic = 'transactions'") == [(end,)]


async def test_a_locked_database_is_waited_for_and_nothing_is_lost(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.database._BUSY_TIMEOUT_MS", 50)
    path, exchange = tmp_path / "history.sqlite", played(40)
    async with recording(connection, f"sqlite:///{path}") as reports:
        await until(lambda: State.READY in [state for state, _ in reports], "ready")
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            await write(connection, exchange)
            await until(lambda: reports[-1][0] is State.RETRYING, "retrying")
            assert "database" in reports[-1][1]
            other.rollback()
        trades = sum(record.topic == TRANSACTIONS for record in exchange.records)
        await until(lambda: counted(path, "transactions") == trades, "all trades")
        await until(lambda: reports[-1][0] is State.READY, "ready again")


async def test_a_history_of_another_market_is_refused_with_a_sentence(
    connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "history.sqlite"
    async with recording(connection, f"sqlite:///{path}") as reports:
        await until(lambda: State.READY in [state for state, _ in reports], "ready")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "INSERT INTO positions_in_log (topic, partition, next_offset) VALUES ('transactions', 0, 99)"
        )
    async with recording(connection, f"sqlite:///{path}") as reports:
        await until(lambda: reports and reports[-1][0] is State.RETRYING, "refused")
        assert "another market" in reports[-1][1]
        assert "HOMEBROKER_DATABASE_URL" in reports[-1][1]
