"""What is too old goes from the history, and nothing that is asked of the present changes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Table, select

from api.beginning import HistoryStart
from api.history import History, TransactionFilter
from api.history.executions import ExecutionFilter
from api.history.executions import page as executions_page
from api.history.export import export
from api.history.transactions import transactions_page
from api.live.candles import INTERVALS_MS, bucket_start
from api.live.view import LiveView
from api.portfolio import Span, portfolio
from api.recorder.retention import Retention
from api.recorder.rows import BatchReader
from api.recorder.store import HistoryStore
from api.recorder.tables import candles, executions, orders, transactions
from engine.domain import Side
from engine.log import Connection
from engine.topics import BOOK
from tests.api.exchange import SYMBOLS, Exchange
from tests.api.random_market import INVESTORS, random_exchange

DAY_MS = INTERVALS_MS["1d"]
DAYS = 2
TRADES_KEPT = 4


@pytest.fixture(autouse=True)
def _bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("api.recorder.retention.PIECE_OFFSETS", 7),
        ("api.recorder.retention.TRADES_MAX", TRADES_KEPT),
        ("api.beginning.tape.TRADES_MAX", TRADES_KEPT),
        ("api.beginning.tape.TRADES_RECENT", 3),
    ):
        monkeypatch.setattr(name, value)


@pytest.fixture
def store(database_url: str) -> Iterator[HistoryStore]:
    """Give an empty history."""
    store = HistoryStore(database_url)
    store.prepare()
    yield store
    store.close()


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    """Give the history as the API reads it."""
    history = History(database_url)
    yield history
    history.close()


def write(store: HistoryStore, exchange: Exchange, start: int = 0) -> None:
    """Record what an exchange wrote, or what it wrote since."""
    reader = BatchReader(store.places())
    store.write(reader.batch([record for record in exchange.records[start:] if record.topic != BOOK]))


def market(seed: int) -> Exchange:
    """Give a market of some weeks with fees, in which one symbol has been quiet since its first days."""
    exchange = Exchange()
    exchange.open()
    exchange.list_all(maker_fee_ppm=250, taker_fee_ppm=500)
    quiet = exchange.time_ms + 3 * DAY_MS
    dice = random.Random(seed)
    for number in range(200):
        exchange.time_ms += dice.choice([0, 0, 900, 30_000, 400_000, 9_000_000, 40_000_000])
        symbol = SYMBOLS[0] if exchange.time_ms > quiet else dice.choice(SYMBOLS)
        exchange.place(
            f"o-{number}",
            dice.choice(list(Side)),
            dice.randint(1, 9),
            10 + dice.randint(-3, 3) / 100,
            investor_id=dice.choice(INVESTORS),
            symbol=symbol,
        )
    return exchange


def delete_all(store: HistoryStore, dice: random.Random) -> int:
    """Delete to the end in many lives of a recorder; gives the pieces."""
    pieces = 0
    while True:
        retention = Retention(store, DAYS)
        for _ in range(dice.randint(1, 9)):
            if not retention.delete_piece():
                return pieces
            pieces += 1


def rows(history: History, table: Table) -> list[Any]:
    """Give a table's rows by their key."""
    return list(history.rows(select(table).order_by(*table.primary_key)))


def present(history: History) -> dict[str, Any]:
    """Give what the history says of the present, and of the past of accounts and candles."""
    view = LiveView(books_from_start=True)
    HistoryStart(Connection(bootstrap_servers="127.0.0.1:1"), history).read(view)
    found: dict[str, Any] = {"positions": view.positions, "candles": rows(history, candles)}
    for symbol in SYMBOLS:
        found[f"ticker {symbol}"] = view.ticker(symbol)
        found[f"trades {symbol}"] = view.trades[symbol].newest(TRADES_KEPT)
        for interval in INTERVALS_MS:
            found[f"candle {symbol} {interval}"] = view.candles[symbol][interval].newest(now_ms=0)
    for investor in INVESTORS:
        found[f"account {investor}"] = view.accounts.snapshot(investor)
        found[f"open {investor}"] = view.orders.open(investor, limit=999)
        for interval_ms in (INTERVALS_MS["1h"], DAY_MS):
            span = Span(interval_ms=interval_ms, start_ms=None, end_ms=view.time_ms, limit=500)
            points = portfolio(history, investor, span, dict.fromkeys(SYMBOLS, 10.0))
            found[f"portfolio {investor} {interval_ms}"] = points
    return found


@pytest.mark.parametrize("seed", range(3))
def test_what_is_too_old_goes_and_the_present_stays(store: HistoryStore, history: History, seed: int) -> None:
    exchange = market(seed)
    write(store, exchange)
    begin_ms = bucket_start(exchange.time_ms, DAY_MS) - DAYS * DAY_MS
    before, told = (
        present(history),
        {table: rows(history, table) for table in (transactions, executions, orders)},
    )
    assert any(point.fees for point in before[f"portfolio ana {DAY_MS}"])
    assert delete_all(store, random.Random(seed)) > 5
    assert present(history) == before
    kept = [
        trade
        for symbol in SYMBOLS
        for trade in [row for row in told[transactions] if row.symbol == symbol][-TRADES_KEPT:]
    ]
    left = [row for row in told[transactions] if row.time_ms >= begin_ms or row in kept]
    # The newest minute of a quiet symbol stays whole, too.
    found = rows(history, transactions)
    assert [row for row in found if row in left] == left
    assert all(row.symbol == SYMBOLS[1] for row in found if row not in left)
    assert rows(history, executions) == [row for row in told[executions] if row.time_ms >= begin_ms]
    assert rows(history, orders) == [
        row for row in told[orders] if row.updated_ms >= begin_ms or row.remaining_quantity
    ]
    assert len(rows(history, orders)) < len(told[orders])
    page = transactions_page(history, TransactionFilter(limit=1))
    mine = executions_page(history, ExecutionFilter(investor_id="ana", limit=1))
    assert page.history_begins_ms == mine.history_begins_ms == begin_ms


def test_what_is_recorded_later_makes_more_of_it_too_old(
    store: HistoryStore, history: History, tmp_path: Any
) -> None:
    exchange = market(5)
    write(store, exchange)
    retention, start = Retention(store, DAYS), len(exchange.records)
    while retention.delete_piece():
        pass
    # Nothing is looked for again before another day is over.
    assert not retention.delete_piece()
    exchange.time_ms += 4 * DAY_MS
    for number in range(2):
        exchange.place(f"new-{number}", [Side.SELL, Side.BUY][number], 500, 10.0 + number)
    write(store, exchange, start)
    before = present(history)
    while retention.delete_piece():
        pass
    begin_ms = bucket_start(exchange.time_ms, DAY_MS) - DAYS * DAY_MS
    assert {row.time_ms for row in rows(history, executions)} == {exchange.time_ms}
    assert present(history) == before
    exported = [file.path.parent.name for file in export(history, tmp_path)]
    assert len(exported) == 1
    assert transactions_page(history, TransactionFilter(limit=1)).history_begins_ms == begin_ms


def test_the_newest_minute_of_a_quiet_symbol_stays_whole(store: HistoryStore, history: History) -> None:
    exchange = Exchange()
    exchange.open()
    exchange.time_ms = bucket_start(exchange.time_ms, DAY_MS) + DAY_MS
    for number, symbol in enumerate([SYMBOLS[1]] * (1 + 3 * TRADES_KEPT) + [SYMBOLS[0]]):
        # One before the minute, then all within it; then the other symbol, days later.
        exchange.time_ms += {1: 60_000, 1 + 3 * TRADES_KEPT: 5 * DAY_MS}.get(number, 100)
        for side, investor in ((Side.SELL, "ana"), (Side.BUY, "bia")):
            exchange.place(f"{side}-{number}", side, 1, 10.0, investor_id=investor, symbol=symbol)
    write(store, exchange)
    before = present(history)
    delete_all(store, random.Random(1))
    assert present(history) == before
    left = [row.symbol for row in rows(history, transactions)]
    assert left == [SYMBOLS[1]] * 3 * TRADES_KEPT + [SYMBOLS[0]]


def test_by_default_nothing_goes(store: HistoryStore, history: History) -> None:
    write(store, random_exchange(3, 60))
    before = {table: rows(history, table) for table in (transactions, executions, orders)}
    assert not Retention(store, 0).delete_piece()
    assert {table: rows(history, table) for table in before} == before
    assert transactions_page(history, TransactionFilter(limit=1)).history_begins_ms is None
