"""The recorder beside a real Kafka: whatever dies in between, the history is the log."""

from __future__ import annotations

import asyncio
import json
import random
import resource
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, func, select
from sqlalchemy.exc import OperationalError, ProgrammingError

from api.history import History, HistoryUnavailableError, HistoryWatch
from api.recorder import service
from api.recorder.tables import candles, executions, transactions
from engine.domain import Side
from engine.log import Connection, LogReader, LogWriter, NewRecord, read_between
from engine.progress import State
from engine.topics import BOOK, EXECUTIONS, TRANSACTIONS
from engine.wire.records import decode_transaction
from tests.api.exchange import Exchange
from tests.kafka.waiting import until
from tests.market import Market, start_part, stop_part
from tests.postgresql import stoppable_postgresql

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
        service.run(connection, url, report=lambda state, detail: reports.append((state, detail)))
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


def _delete(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


async def test_a_database_that_is_deleted_is_made_anew_from_the_log(
    connection: Connection, tmp_path: Path
) -> None:
    path, exchange = tmp_path / "history.sqlite", played(40)
    trades = [record for record in exchange.records if record.topic == TRANSACTIONS]
    await write(connection, exchange, part=slice(0, 15))
    async with recording(connection, f"sqlite:///{path}") as reports:
        await until(lambda: State.READY in [state for state, _ in reports], "ready")
        # One that is open can still be written, and nobody would ever read it.
        _delete(path)
        await write(connection, exchange, part=slice(15, None))
        await until(
            lambda: counted(path, "transactions") == len(trades), "all trades, in the file that is there"
        )
        await until(lambda: reports[-1][0] is State.READY, "ready again")


async def test_a_full_disk_is_told_and_waited_for_and_nothing_is_lost(
    connection: Connection, tmp_path: Path
) -> None:
    path, exchange = tmp_path / "history.sqlite", played(400)
    async with recording(connection, f"sqlite:///{path}") as reports:
        await until(lambda: State.READY in [state for state, _ in reports], "ready")
        used = path.with_name(path.name + "-wal").stat().st_size
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        await write(connection, exchange, part=slice(0, 10))
        await until(lambda: counted(path, "transactions") > 0, "some trades")
        before = counted(path, "transactions")
        # For this process, files end there as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (used + 64 * 1024, most))
        try:
            await write(connection, exchange, part=slice(10, None))
            await until(lambda: reports[-1][0] is State.RETRYING, "retrying")
            assert "make room on its disk" in reports[-1][1]
            assert counted(path, "transactions") == before
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        trades = sum(record.topic == TRANSACTIONS for record in exchange.records)
        await until(lambda: counted(path, "transactions") == trades, "all trades")
        await until(lambda: reports[-1][0] is State.READY, "ready again")


async def test_a_postgresql_that_stops_and_starts_again_costs_nothing(connection: Connection) -> None:
    exchange = played(40)
    trades = sum(record.topic == TRANSACTIONS for record in exchange.records)
    await write(connection, exchange, part=slice(0, 15))
    with stoppable_postgresql() as server:
        async with recording(connection, server.url) as reports:
            history = History(server.url)
            watch = HistoryWatch(history, lambda: {TRANSACTIONS: trades})
            watching = asyncio.create_task(watch.run())
            await until(lambda: State.READY in [state for state, _ in reports], "ready")
            await asyncio.to_thread(server.stop)
            await write(connection, exchange, part=slice(15, None))
            await until(lambda: reports[-1][0] is State.RETRYING, "retrying")
            assert "see that it runs and can be reached" in reports[-1][1]
            with pytest.raises(HistoryUnavailableError):
                await asyncio.to_thread(history.positions_in_log)
            await until(lambda: "cannot be read" in (watch.trouble(time.monotonic()) or ""), "it is noticed")
            await asyncio.to_thread(server.start)
            await until(lambda: reports[-1][0] is State.READY, "ready again")
            await until(lambda: watch.trouble(time.monotonic()) is None, "it is noticed that all is well")
            stored = await asyncio.to_thread(history.rows, select(func.count()).select_from(transactions))
            assert stored[0][0] == trades
            watching.cancel()
            history.close()


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


@pytest.mark.parametrize("seed", [1])
async def test_killed_at_any_moment_the_history_is_the_log_and_nothing_twice(
    market: Market, database_url: str, seed: int
) -> None:
    dice, exchange = random.Random(seed), played(1_200)
    settings = market.settings.model_copy(update={"database_url": database_url})
    expected = expected_rows(exchange)
    all_at_once = asyncio.Event()
    writing = asyncio.create_task(write_on_and_on(market.connection, exchange, dice, all_at_once))
    kills = 0
    while kills < 3:
        recorder = start_part(settings, "recorder")
        try:
            before = history_rows(database_url)
            await until(lambda rows=before: history_rows(database_url) != rows, "something written")
            await asyncio.sleep(dice.uniform(0, 0.3))
        finally:
            stop_part(recorder, signal.SIGKILL)
        kills += 1
    assert not writing.done(), "it was to be killed under load"
    all_at_once.set()
    recorder = start_part(settings, "recorder")
    try:
        await writing
        await until(lambda: history_rows(database_url) == expected, "the whole history")
    finally:
        stop_part(recorder, signal.SIGKILL)
    trades = [decode_transaction(r.value or b"") for r in exchange.records if r.topic == TRANSACTIONS]
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        volume = connection.execute(
            select(func.sum(candles.c.volume), func.sum(candles.c.trades)).where(
                candles.c.interval_ms == 60_000
            )
        ).one()
    assert tuple(volume) == (sum(trade.quantity for trade in trades), len(trades))


async def write_on_and_on(
    connection: Connection, exchange: Exchange, dice: random.Random, all_at_once: asyncio.Event
) -> None:
    """Send what an engine writes, a few records at a time, slowly; repeat some, as one that was cut off."""
    records = {
        topic: [record for record in exchange.records if record.topic == topic]
        for topic in {record.topic for record in exchange.records} - {BOOK}
    }
    async with LogWriter(connection) as writer:
        for start in range(0, max(map(len, records.values())), 10):
            for topic, of_topic in records.items():
                part = of_topic[max(start - dice.choice([0, 0, 0, 7]), 0) : start + 10]
                await writer.append_all(topic, [NewRecord(r.key, r.value or b"", r.time_ms) for r in part])
            if not all_at_once.is_set():
                await asyncio.sleep(0.2)


def expected_rows(exchange: Exchange) -> dict[str, list[tuple[int, int]]]:
    """Give the identities that the tables of records must have, each once."""
    return {
        topic: [
            (value["offset"], value["index"])
            for value in (json.loads(r.value or b"") for r in exchange.records if r.topic == topic)
        ]
        for topic in (TRANSACTIONS, EXECUTIONS)
    }


def history_rows(url: str) -> dict[str, list[tuple[int, int]]]:
    """Give the identities that the tables of records have; nothing before they are made."""
    engine = create_engine(url, poolclass=NullPool)
    with suppress(OperationalError, ProgrammingError), engine.connect() as connection:
        return {
            table.name: [
                (row[0], row[1])
                for row in connection.execute(
                    select(table.c["offset"], table.c["index"]).order_by("offset", "index")
                )
            ]
            for table in (transactions, executions)
        }
    return {}
