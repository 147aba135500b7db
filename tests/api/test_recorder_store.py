"""The history's database: each record once, newest states, whole batches or nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Engine,
    NullPool,
    create_engine,
    event,
    select,
)
from sqlalchemy.exc import OperationalError

from api.history import History
from api.live.view import LiveView
from api.recorder.rows import BatchReader
from api.recorder.store import HistoryMovedError, HistoryStore, UnsupportedDatabaseError
from api.recorder.tables import (
    account_minutes,
    accounts,
    candles,
    executions,
    orders,
    positions,
    positions_in_log,
    transactions,
)
from engine.domain import Deposit, Side, Status
from engine.log import LogRecord
from engine.topics import ACCOUNTS, ASSETS, BOOK, EXECUTIONS, TRANSACTIONS
from engine.wire.records import decode_transaction
from tests.api.exchange import ME, SYMBOLS, Exchange
from tests.api.recorded_history import contents, market
from tests.postgresql import empty_database


@pytest.fixture
def url(database_url: str) -> str:
    """Give the URL of a database that is not there yet."""
    return database_url


@pytest.fixture
def store(url: str) -> Iterator[HistoryStore]:
    """Give an empty history."""
    store = HistoryStore(url)
    store.prepare()
    yield store
    store.close()


def test_the_history_holds_every_record_and_the_newest_states(store: HistoryStore, url: str) -> None:
    records = market()
    store.write(BatchReader().batch(records))
    database = create_engine(url, poolclass=NullPool)
    with database.connect() as connection:
        trades = connection.execute(select(transactions).order_by("offset", "index")).mappings().all()
        expected = [decode_transaction(r.value or b"") for r in records if r.topic == TRANSACTIONS]
        identities = [f"{row['shard']}-{row['offset']}-{row['index']}" for row in trades]
        assert identities == [trade.transaction_id for trade in expected]
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
    folder = tmp_path_factory.mktemp("history")
    lives_end_as_one(f"sqlite:///{folder / 'once.sqlite'}", f"sqlite:///{folder / 'pieces.sqlite'}", seed)


def test_it_is_the_same_in_postgresql(postgresql_server: str) -> None:
    for seed in range(5):
        with empty_database(postgresql_server) as at_once, empty_database(postgresql_server) as in_pieces:
            lives_end_as_one(at_once, in_pieces, seed)


def lives_end_as_one(at_once: str, in_pieces: str, seed: int) -> None:
    """Write a market at once, and in many lives of a recorder; compare."""
    dice = random.Random(seed)
    records = market()
    once = HistoryStore(at_once)
    once.prepare()
    once.write(BatchReader().batch(records))
    once.close()
    by_topic = {
        topic: repeated([r for r in records if r.topic == topic], dice)
        for topic in (TRANSACTIONS, EXECUTIONS, ACCOUNTS, ASSETS)
    }
    done = False
    while not done:
        # One life: it begins at the stored places, or reads a little of what is before them, too.
        store = HistoryStore(in_pieces)
        store.prepare()
        stored = store.places()
        reader = BatchReader(stored)
        back = dice.randint(0, 3)
        at = {
            topic: max(stored[topic, 0].next_offset - back if (topic, 0) in stored else 0, 0)
            for topic in by_topic
        }
        for size in (dice.randint(0, 25) for _ in range(3)):
            piece = [r for topic, all_ in by_topic.items() for r in all_[at[topic] : at[topic] + size]]
            at = {topic: offset + size for topic, offset in at.items()}
            store.write(reader.batch(piece))
        done = all(at[topic] >= len(all_) for topic, all_ in by_topic.items())
        store.close()
    expected, found = contents(at_once), contents(in_pieces)
    # The repeats have places of their own in the log.
    for tables in (expected, found):
        del tables[positions_in_log.name]
    assert found == expected


def repeated(records: list[LogRecord], dice: random.Random) -> list[LogRecord]:
    """Let an engine that was cut off write some records of a topic again."""
    cut = dice.randint(0, len(records))
    again = records[max(cut - dice.randint(0, 5), 0) :]
    return [record._replace(offset=place) for place, record in enumerate([*records[:cut], *again])]


def test_a_batch_that_fails_in_the_middle_leaves_nothing(store: HistoryStore, url: str) -> None:
    before = contents(url)

    def full_disk(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "positions_in_log" in statement:
            raise OperationalError(statement, None, Exception("database or disk is full"))

    database: Engine = store.database
    event.listen(database, "before_cursor_execute", full_disk)
    batch = BatchReader().batch(market())
    with pytest.raises(OperationalError):
        store.write(batch)
    assert contents(url) == before
    event.remove(database, "before_cursor_execute", full_disk)
    store.write(batch)
    assert len(contents(url)[transactions.name]) == 16


def test_of_two_recorders_at_once_the_later_one_changes_nothing(store: HistoryStore, url: str) -> None:
    records = market()
    first = BatchReader()
    store.write(first.batch(records[:40]))
    with pytest.raises(HistoryMovedError):
        store.write(BatchReader().batch(records))
    store.write(first.batch(records[40:]))
    newest = contents(url)
    kept = {row[0]: row[2] for row in newest[positions_in_log.name]}
    assert kept == {topic: sum(r.topic == topic for r in records) for topic in kept}
    with pytest.raises(HistoryMovedError):
        store.write(BatchReader().batch(records[40:]))
    assert contents(url) == newest


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_candles_are_what_the_transactions_make(store: HistoryStore, url: str, size: int) -> None:
    exchange, dice = Exchange(), random.Random(size)
    exchange.open()
    for number in range(200):
        exchange.time_ms += dice.choice([0, 7, 20_000, 61_000, 4_000_000, 90_000_000])
        side = dice.choice([Side.BUY, Side.SELL])
        chosen = {"symbol": dice.choice(SYMBOLS), "investor_id": dice.choice(["ana", "bia"])}
        price = dice.randint(990, 1_010) / 100
        exchange.place(f"o-{number}", side, dice.randint(1, 9), price, **chosen)
    records = [record for record in exchange.records if record.topic != BOOK]
    reader = BatchReader()
    for start in range(0, len(records), size):
        store.write(reader.batch(records[start : start + size]))
    tables = contents(url)
    assert len(tables[transactions.name]) > 20
    assert tables[candles.name] == recounted(tables[transactions.name])


def recounted(trades: list[Any]) -> list[Any]:
    """Count candles from rows of transactions, trade by trade."""
    counted: dict[tuple[str, int, int], list[Any]] = {}
    for row in trades:
        time_ms, symbol, price, quantity = row[3:7]
        for minutes in (1, 5, 15, 30, 60, 240, 1_440):
            length_ms = minutes * 60_000
            start_ms = time_ms - (time_ms - 3 * 3_600_000) % length_ms
            candle = counted.setdefault((symbol, length_ms, start_ms), [price, price, price, price, 0, 0])
            candle[1], candle[2], candle[3] = max(candle[1], price), min(candle[2], price), price
            candle[4] += quantity
            candle[5] += 1
    return sorted((*key, *candle) for key, candle in counted.items())


def test_a_minute_keeps_what_its_last_change_left(store: HistoryStore, url: str) -> None:
    exchange = Exchange()
    exchange.open()
    start_ms = exchange.time_ms
    for seconds in (1, 30, 59, 61, 200):
        exchange.time_ms = start_ms + seconds * 1_000
        exchange.run(Deposit(investor_id=ME, cash_units=seconds * 10_000))
    store.write(BatchReader().batch([record for record in exchange.records if record.topic != BOOK]))
    database = create_engine(url, poolclass=NullPool)
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


def test_another_kind_of_database_is_refused_with_a_sentence() -> None:
    with pytest.raises(
        (UnsupportedDatabaseError, ModuleNotFoundError), match=r"SQLite or PostgreSQL|MySQLdb"
    ):
        HistoryStore("mysql://127.0.0.1/history")
