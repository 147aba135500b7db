"""The history's database: each record once, newest states, whole batches or nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, event, select, text, update
from sqlalchemy.exc import OperationalError

from api.history import History
from api.live.view import LiveView
from api.recorder.rows import BatchReader
from api.recorder.store import HistoryStore, UnsupportedDatabaseError
from api.recorder.tables import (
    FORMAT,
    account_minutes,
    accounts,
    executions,
    history_format,
    metadata,
    orders,
    position_minutes,
    positions,
    positions_in_log,
    transactions,
)
from engine.domain import Cancel, Deposit, Phase, SetPhase, Side, Status
from engine.log import LogRecord
from engine.topics import ACCOUNTS, ASSETS, BOOK, EXECUTIONS, TRANSACTIONS
from engine.wire.records import decode_transaction
from tests.api.exchange import ME, Exchange


def market() -> list[LogRecord]:
    """Give a small market's records, without books."""
    exchange = Exchange()
    exchange.open()
    for number in range(12):
        exchange.time_ms += 7
        exchange.place(f"s-{number}", Side.SELL, 3, 10.0)
        exchange.place(f"b-{number}", Side.BUY, 2, 10.0, investor_id=ME)
    exchange.place("b-3", Side.BUY, 2, 10.0, investor_id=ME)
    exchange.run(Cancel(order_id="s-11", investor_id="ana"))
    exchange.run(SetPhase(symbol="PETR4", phase=Phase.HALTED))
    exchange.place("again", Side.BUY, 2, 10.0, investor_id=ME)
    exchange.run(SetPhase(symbol="PETR4", phase=Phase.CONTINUOUS))
    exchange.time_ms += 7
    exchange.place("again", Side.BUY, 2, 9.0, investor_id=ME)
    return [record for record in exchange.records if record.topic != BOOK]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Give the URL of a database that is not there yet."""
    return f"sqlite:///{tmp_path / 'deep' / 'history.sqlite'}"


@pytest.fixture
def store(url: str) -> Iterator[HistoryStore]:
    """Give an empty history."""
    store = HistoryStore(url)
    store.prepare()
    yield store
    store.close()


def contents(url: str) -> dict[str, list[Any]]:
    """Give all rows of all tables."""
    database = create_engine(url)
    with database.connect() as connection:
        rows = {
            table.name: sorted(connection.execute(select(table)).all())
            for table in metadata.sorted_tables
            if table.name not in {"orders", "executions", "positions", "position_minutes", "assets"}
        }
        for table in (executions, orders, positions, position_minutes):
            rows[table.name] = [
                tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))
            ]
    database.dispose()
    return rows


def test_the_history_holds_every_record_and_the_newest_states(store: HistoryStore, url: str) -> None:
    records = market()
    store.write(BatchReader().batch(records))
    database = create_engine(url)
    with database.connect() as connection:
        trades = connection.execute(select(transactions).order_by("offset", "index")).mappings().all()
        expected = [decode_transaction(r.value or b"") for r in records if r.topic == TRANSACTIONS]
        assert [row["transaction_id"] for row in trades] == [trade.transaction_id for trade in expected]
        assert [row["price"] for row in trades] == [trade.price for trade in expected]
        reports = connection.execute(select(executions)).all()
        assert len(reports) == sum(record.topic == EXECUTIONS for record in records)
        mine = connection.execute(select(orders).where(orders.c.investor_id == ME)).mappings().all()
        account = connection.execute(select(accounts).where(accounts.c.investor_id == ME)).mappings().one()
        position = connection.execute(select(positions).where(positions.c.investor_id == ME)).mappings().one()
    database.dispose()
    view = LiveView(books_from_start=True)
    view.apply(records)
    assert {
        row["order_id"]: (row["status"], row["filled_quantity"], row["created_ms"], row["updated_ms"])
        for row in mine
    } == {
        order.order_id: (order.status, order.filled_quantity, order.created_ms, order.updated_ms)
        for order in view.orders.all(ME, limit=99)
    }
    live = view.accounts.account(ME)
    assert live is not None
    assert (account["cash"], account["held_cash"]) == (live.cash, live.held_cash)
    assert position["quantity"] == view.accounts.positions(ME)[0].quantity == 24


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 1_000_000))
def test_however_often_the_recorder_dies_and_repeats_the_history_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    dice = random.Random(seed)
    folder = tmp_path_factory.mktemp("history")
    records = market()
    at_once, in_pieces = f"sqlite:///{folder / 'once.sqlite'}", f"sqlite:///{folder / 'pieces.sqlite'}"
    once = HistoryStore(at_once)
    once.prepare()
    once.write(BatchReader().batch(records))
    once.close()
    by_topic = {
        topic: [r for r in records if r.topic == topic]
        for topic in (TRANSACTIONS, EXECUTIONS, ACCOUNTS, ASSETS)
    }
    done = False
    while not done:
        # One life: it begins at the stored positions, or a little before them as after an engine's repeats.
        store = HistoryStore(in_pieces)
        store.prepare()
        stored = store.positions()
        reader = BatchReader()
        back = dice.randint(0, 3)
        at = {topic: max(stored.get((topic, 0), 0) - back, 0) for topic in by_topic}
        for size in (dice.randint(0, 25) for _ in range(3)):
            piece = [r for topic, all_ in by_topic.items() for r in all_[at[topic] : at[topic] + size]]
            at = {topic: offset + size for topic, offset in at.items()}
            store.write(reader.batch(piece))
        done = all(at[topic] >= len(all_) for topic, all_ in by_topic.items())
        store.close()
    assert contents(in_pieces) == contents(at_once)


def test_a_batch_that_fails_in_the_middle_leaves_nothing(store: HistoryStore, url: str) -> None:
    before = contents(url)

    def full_disk(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "positions_in_log" in statement:
            raise OperationalError(statement, None, Exception("database or disk is full"))

    database: Engine = store._database
    event.listen(database, "before_cursor_execute", full_disk)
    batch = BatchReader().batch(market())
    with pytest.raises(OperationalError):
        store.write(batch)
    assert contents(url) == before
    event.remove(database, "before_cursor_execute", full_disk)
    store.write(batch)
    assert len(contents(url)[transactions.name]) == 16


def test_neither_states_nor_positions_go_back(store: HistoryStore, url: str) -> None:
    records = market()
    store.write(BatchReader().batch(records))
    newest = contents(url)
    kept = {row.topic: row.next_offset for row in newest[positions_in_log.name]}
    assert kept == {topic: sum(r.topic == topic for r in records) for topic in kept}
    store.write(BatchReader().batch(records[:40]))
    assert contents(url) == newest


def test_a_minute_keeps_what_its_last_change_left(store: HistoryStore, url: str) -> None:
    exchange = Exchange()
    exchange.open()
    start_ms = exchange.time_ms
    for seconds in (1, 30, 59, 61, 200):
        exchange.time_ms = start_ms + seconds * 1_000
        exchange.run(Deposit(investor_id=ME, cash_units=seconds * 10_000))
    store.write(BatchReader().batch([record for record in exchange.records if record.topic != BOOK]))
    database = create_engine(url)
    with database.connect() as connection:
        query = select(account_minutes).where(account_minutes.c.investor_id == ME).order_by("minute_ms")
        rows = connection.execute(query).all()
    database.dispose()
    assert [((row.minute_ms - start_ms) // 60_000, row.cash) for row in rows] == [
        (0, 1_090.0),
        (1, 1_151.0),
        (3, 1_351.0),
    ]


def test_an_order_under_an_id_that_another_was_refused_is_each_ones_own(
    store: HistoryStore, url: str
) -> None:
    exchange = Exchange()
    exchange.open()
    exchange.place("same", Side.BUY, 2, 10.005, investor_id=ME)
    exchange.place("same", Side.BUY, 2, 9.0)
    store.write(BatchReader().batch([record for record in exchange.records if record.topic != BOOK]))
    history = History(url)
    mine, theirs = history.order(ME, "same"), history.order("ana", "same")
    history.close()
    assert mine is not None
    assert theirs is not None
    assert (mine.status, theirs.status) == (Status.REJECTED, Status.NEW)


def test_a_history_of_another_format_is_written_anew(store: HistoryStore, url: str) -> None:
    records = market()
    store.write(BatchReader().batch(records))
    written = contents(url)
    database = create_engine(url)
    with database.begin() as connection:
        connection.execute(update(history_format).values(format=FORMAT - 1))
    store.prepare()
    assert store.positions() == {}
    assert contents(url)["transactions"] == []
    store.write(BatchReader().batch(records))
    assert contents(url) == written
    store.prepare()
    assert contents(url) == written
    database.dispose()


def test_a_history_without_a_format_is_the_first_one(url: str) -> None:
    database = create_engine(url.replace("deep/", ""))
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE positions_in_log (topic TEXT, partition INT, next_offset INT)"))
        connection.execute(text("CREATE TABLE orders (order_id TEXT PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE of_others (name TEXT)"))
    store = HistoryStore(url.replace("deep/", ""))
    store.prepare()
    store.write(BatchReader().batch(market()))
    store.close()
    with database.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM orders")).scalar()
        assert connection.execute(text("SELECT count(*) FROM of_others")).scalar() == 0
    database.dispose()


def test_another_kind_of_database_is_refused_with_a_sentence() -> None:
    with pytest.raises(
        (UnsupportedDatabaseError, ModuleNotFoundError), match=r"SQLite or PostgreSQL|MySQLdb"
    ):
        HistoryStore("mysql://127.0.0.1/history")
