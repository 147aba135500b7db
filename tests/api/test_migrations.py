"""Histories that earlier versions have written: brought along, with nothing of them lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from msgspec import structs
from sqlalchemy import Connection, MetaData, NullPool, Table, create_engine, inspect, text

from api.beginning.states import begin_orders
from api.database import open_database
from api.history import History
from api.history.executions import ExecutionFilter, page
from api.live.view import LiveView
from api.recorder.migrating import VERSION_TABLE
from api.recorder.migrations.versions import v0001_records
from api.recorder.rows import BatchReader
from api.recorder.store import HistoryStore
from api.recorder.tables import executions, metadata, orders, positions_in_log, transactions
from engine.domain import Cancel, SelfTrade, Side, Status, TimeInForce
from engine.log import LogRecord
from engine.topics import ACCOUNTS, BOOK, EXECUTIONS
from tests.api.exchange import ME, Exchange
from tests.api.recorded_history import contents, market


def test_the_revisions_make_the_tables_that_the_recorder_writes(database_url: str) -> None:
    store = HistoryStore(database_url)
    store.prepare()
    store.close()
    database = create_engine(database_url, poolclass=NullPool)
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_a_history_from_before_the_revisions_keeps_all_that_it_has(database_url: str) -> None:
    database = create_engine(database_url, poolclass=NullPool)
    Path(database.url.database or "").parent.mkdir(exist_ok=True)
    records = market()
    with database.begin() as connection:
        make_first_revision(connection, records)
    store = HistoryStore(database_url)
    store.prepare()
    migrated = contents(database_url)
    # Only what was not kept is read from the log: the accounts' limits, so all of that topic.
    reader = BatchReader(store.places())
    assert ("accounts", 0) not in store.places()
    store.write(reader.batch([record for record in records if record.topic == ACCOUNTS]))
    store.close()
    expected = written_now(records)
    for name in ("transactions", "candles", "executions", "orders"):
        assert migrated[name] == expected[name], name
    after = contents(database_url)
    assert after["accounts"] == expected["accounts"]
    database = create_engine(database_url, poolclass=NullPool)
    assert "history_format" not in inspect(database).get_table_names()


TERMS = ("display_quantity", "post_only", "self_trade", "expires_at_ms")


def test_a_history_from_before_reports_told_all_terms_goes_on(database_url: str) -> None:
    exchange = Exchange()
    exchange.open()
    told = {"display_quantity": 2, "post_only": True, "self_trade": SelfTrade.NONE}
    until = {"time_in_force": TimeInForce.GTD, "expires_at_ms": exchange.time_ms + 1_000}
    for order_id in ("stays", "goes"):
        exchange.place(order_id, Side.BUY, 6, 9.0, investor_id=ME, **told, **until)
    before = [without_terms(record) for record in exchange.records if record.topic != BOOK]
    make_revision(database_url, "0004", before)
    store = HistoryStore(database_url)
    store.prepare()
    history = History(database_url)
    older = history.order(ME, "stays")
    assert older is not None
    assert [getattr(older, name) for name in TERMS] == [None, False, SelfTrade.EXPIRE_TAKER, None]
    live = LiveView(books_from_start=True)
    live.apply(before)
    assert live.orders.get(ME, "stays") == older
    reader = BatchReader(store.places())
    seen = len(exchange.records)
    exchange.run(Cancel(order_id="goes", investor_id=ME))
    store.write(reader.batch([record for record in exchange.records[seen:] if record.topic != BOOK]))
    newer = history.order(ME, "goes")
    reports = page(history, ExecutionFilter(investor_id=ME, limit=10)).executions
    view = LiveView(books_from_start=True)
    with history.snapshot() as connection:
        begin_orders(view, connection)
    history.close()
    store.close()
    assert newer is not None
    assert (newer.status, [getattr(newer, name) for name in TERMS]) == (
        Status.CANCELED,
        [*told.values(), until["expires_at_ms"]],
    )
    assert [row.display_quantity for row in reports if row.order_id == "goes"] == [2, None]
    assert [row.self_trade for row in reports if row.order_id == "goes"] == ["none", "expire_taker"]
    assert view.orders.open(ME, limit=9) == [older]
    # Made anew from the log, the tables have the same, but for what was not told then.
    expected = written_now([*before, *[r for r in exchange.records[seen:] if r.topic != BOOK]])
    migrated = contents(database_url)
    for name in ("executions", "orders"):
        assert migrated[name] == expected[name], name


def without_terms(record: LogRecord) -> LogRecord:
    """Give an execution report as engines wrote it before they told all of an order's terms."""
    if record.topic != EXECUTIONS or record.value is None:
        return record
    told = {name: value for name, value in msgspec.json.decode(record.value).items() if name not in TERMS}
    return record._replace(value=msgspec.json.encode(told))


def make_first_revision(connection: Connection, records: list[LogRecord]) -> None:
    """Make a history as the recorder wrote it before there were revisions."""
    context = MigrationContext.configure(connection)
    with Operations.context(context):
        v0001_records.upgrade()
    connection.execute(text("CREATE TABLE history_format (format INTEGER PRIMARY KEY)"))
    connection.execute(text("INSERT INTO history_format VALUES (2)"))
    write_as_then(connection, records)


def make_revision(url: str, revision: str, records: list[LogRecord]) -> None:
    """Make a history as the recorder of some revision wrote it."""
    database = open_database(url)
    with database.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(v0001_records.__file__).parents[1]))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        write_as_then(connection, records)
    database.dispose()


def write_as_then(connection: Connection, records: list[LogRecord]) -> None:
    """Write records into tables of an older revision: of each row what they have columns for."""
    then = MetaData()
    then.reflect(connection)
    batch = BatchReader().batch(records)

    def insert(now: Table, row: dict[str, Any]) -> None:
        table = then.tables[now.name]
        known = {name: value for name, value in row.items() if name in table.columns}
        connection.execute(table.insert(), known)

    for row in named(transactions, batch.transactions):
        insert(transactions, row | {"transaction_id": f"{row['shard']}-{row['offset']}-{row['index']}"})
    for row in named(executions, batch.executions):
        insert(executions, row)
    for row in (batch.refused_orders | batch.started_orders | batch.changed_orders).values():
        insert(orders, row)
    for at, place in batch.after.items():
        insert(positions_in_log, {"topic": at[0], "partition": at[1], **structs.asdict(place)})


def named(table: Table, rows: Iterable[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Give a table's rows by the names of its columns as they are now."""
    names = [column.name for column in table.columns]
    return (dict(zip(names, values, strict=True)) for values in rows)


def written_now(records: list[LogRecord]) -> dict[str, list[Any]]:
    """Give a history's tables as the recorder writes them today."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/history.sqlite"
        store = HistoryStore(url)
        store.prepare()
        store.write(BatchReader().batch(records))
        store.close()
        return contents(url)


def test_a_history_of_development_is_written_anew(database_url: str) -> None:
    database = create_engine(database_url, poolclass=NullPool)
    Path(database.url.database or "").parent.mkdir(exist_ok=True)
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE positions_in_log (topic TEXT, partition INT, next_offset INT)"))
        connection.execute(text("CREATE TABLE orders (order_id TEXT)"))
        connection.execute(text("CREATE TABLE of_others (name TEXT)"))
    store = HistoryStore(database_url)
    store.prepare()
    store.write(BatchReader().batch(market()))
    store.close()
    with database.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM orders")).scalar()
        assert connection.execute(text("SELECT count(*) FROM of_others")).scalar() == 0
