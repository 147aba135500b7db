"""What the history answers, in both databases, against the records that it was written from."""

from __future__ import annotations

import csv
import io
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas
import pyarrow as pa
import pytest
from pyarrow import parquet

from api.history import BadCursorError, History, QueryTooLongError, TransactionFilter, downloads, executions
from api.history import candles as history_candles
from api.history.candles import CandleSpan, stored_candles
from api.history.downloads import download
from api.history.export import export
from api.history.transactions import transactions_page
from api.live.candles import INTERVALS_MS
from api.live.view import LiveView
from api.recorder.rows import BatchReader
from api.recorder.store import HistoryStore
from engine.domain import ExecutionType, SelfTrade, Side
from engine.topics import BOOK, TRANSACTIONS
from engine.wire.records import Transaction, decode_transaction
from tests.api.exchange import ME, SYMBOLS, Exchange

INVESTORS = (ME, "ana", "bia")


def traded(seed: int, orders: int = 150) -> Exchange:
    """Let some investors trade some symbols over some days."""
    dice, exchange = random.Random(seed), Exchange()
    exchange.open()
    for number in range(orders):
        exchange.time_ms += dice.choice([0, 0, 7, 400, 2_000, 61_000, 4_000_000])
        exchange.place(
            f"o-{number}",
            dice.choice(list(Side)),
            dice.randint(1, 9),
            dice.randint(995, 1_005) / 100,
            symbol=dice.choice(SYMBOLS),
            investor_id=dice.choice(INVESTORS),
            self_trade=SelfTrade.NONE,
        )
    return exchange


@pytest.fixture
def exchange() -> Exchange:
    """Give a market with trades."""
    return traded(3)


@pytest.fixture
def history(database_url: str, exchange: Exchange) -> Iterator[History]:
    """Give the market's history."""
    store = HistoryStore(database_url)
    store.prepare()
    store.write(BatchReader().batch([record for record in exchange.records if record.topic != BOOK]))
    store.close()
    history = History(database_url)
    yield history
    history.close()


def trades_of(exchange: Exchange) -> list[Transaction]:
    """Give the trades, newest first."""
    records = [record for record in exchange.records if record.topic == TRANSACTIONS]
    return [decode_transaction(record.value or b"") for record in reversed(records)]


def pages(history: History, limit: int, **wanted: Any) -> list[Any]:
    """Follow the cursors from the first page to the last."""
    rows: list[Any] = []
    cursor = None
    while True:
        page = transactions_page(history, TransactionFilter(limit=limit, cursor=cursor, **wanted))
        assert len(page.transactions) <= limit
        rows += page.transactions
        cursor = page.next_cursor
        if cursor is None:
            return rows


def test_every_filter_gives_what_a_look_at_each_trade_gives(history: History, exchange: Exchange) -> None:
    trades, dice = trades_of(exchange), random.Random(1)
    assert len(trades) > 50
    times = [trade.time_ms for trade in trades]
    for _ in range(40):
        symbol = dice.choice([None, *SYMBOLS])
        side = dice.choice([None, *Side])
        start_ms = dice.choice([None, dice.choice(times), dice.choice(times) + 1])
        end_ms = dice.choice([None, dice.choice(times), dice.choice(times) - 1])
        low, high = dice.choice([(None, None), (9.99, None), (None, 10.0), (9.98, 10.01)])
        found = pages(
            history,
            dice.choice([1, 7, 1_000]),
            symbol=symbol,
            side=side,
            start_ms=start_ms,
            end_ms=end_ms,
            price_min=low,
            price_max=high,
        )
        assert [row.transaction_id for row in found] == [
            trade.transaction_id
            for trade in trades
            if symbol in {None, trade.symbol}
            and side in {None, trade.taker_side}
            and (start_ms is None or trade.time_ms >= start_ms)
            and (end_ms is None or trade.time_ms <= end_ms)
            and (low is None or trade.price >= low)
            and (high is None or trade.price <= high)
        ]


def test_an_investors_own_trades_are_each_side_that_it_had(history: History, exchange: Exchange) -> None:
    expected = sorted(
        (trade.transaction_id, side, order_id)
        for trade in trades_of(exchange)
        for side, investor_id, order_id in (
            ("buy", trade.buyer_id, trade.buy_order_id),
            ("sell", trade.seller_id, trade.sell_order_id),
        )
        if investor_id == ME
    )
    found = pages(history, 7, investor_id=ME)
    assert sorted((row.transaction_id, row.side, row.order_id) for row in found) == expected
    sold = pages(history, 7, investor_id=ME, side=Side.SELL)
    assert [row for row in found if row.side is Side.SELL] == sold


def test_a_page_goes_on_where_the_one_before_ended_though_trades_come(
    history: History, exchange: Exchange, database_url: str
) -> None:
    before = trades_of(exchange)
    page = transactions_page(history, TransactionFilter(limit=5))
    store = HistoryStore(database_url)
    reader = BatchReader(store.places())
    start = len(exchange.records)
    exchange.place("new-1", Side.SELL, 5, 9.95, investor_id="ana")
    exchange.place("new-2", Side.BUY, 5, 10.05, investor_id=ME)
    store.write(reader.batch([record for record in exchange.records[start:] if record.topic != BOOK]))
    store.close()
    assert len(trades_of(exchange)) > len(before)
    following = transactions_page(history, TransactionFilter(limit=5, cursor=page.next_cursor))
    told = [row.transaction_id for row in (*page.transactions, *following.transactions)]
    assert told == [trade.transaction_id for trade in before[:10]]


@pytest.mark.parametrize("cursor", ["", "1-2", "1-2-3-4", "-1-2-3", "١-2-3", "9" * 10 + "-1-1", "1-1-1\n"])
def test_a_cursor_that_no_page_gave_is_refused(history: History, cursor: str) -> None:
    with pytest.raises(BadCursorError):
        transactions_page(history, TransactionFilter(limit=5, cursor=cursor))


def test_a_query_that_takes_too_long_is_ended(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.history.reading._STEPS_BETWEEN_LOOKS", 100)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(QueryTooLongError), history.snapshot(seconds_max=0.2) as connection:
        connection.exec_driver_sql(endless).all()
    assert transactions_page(history, TransactionFilter(limit=1)).transactions


@pytest.mark.parametrize("investor_id", [None, ME])
@pytest.mark.parametrize("limit", [10_000, 23])
def test_downloads_are_the_pages(
    history: History, monkeypatch: pytest.MonkeyPatch, investor_id: str | None, limit: int
) -> None:
    monkeypatch.setattr(downloads, "PIECE_ROWS", 10)
    wanted = TransactionFilter(investor_id=investor_id, limit=limit)
    expected = [
        {name: getattr(row, name) for name in row.__slots__}
        for row in pages(history, 1_000, investor_id=investor_id)[:limit]
    ]
    assert len(expected) > 20
    raw = b"".join(download(history, wanted, as_parquet=True))
    file = parquet.ParquetFile(io.BytesIO(raw))
    assert file.metadata.num_row_groups > 2
    assert file.read().to_pylist() == expected
    text = b"".join(download(history, wanted, as_parquet=False)).decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["transaction_id"] for line in lines] == [row["transaction_id"] for row in expected]
    assert [float(line["price"]) for line in lines] == [row["price"] for row in expected]


def test_downloads_of_nothing_are_whole_files(history: History) -> None:
    nothing = TransactionFilter(symbol="NONE3", limit=10)
    raw = b"".join(download(history, nothing, as_parquet=True))
    assert parquet.ParquetFile(io.BytesIO(raw)).metadata.num_rows == 0
    assert b"".join(download(history, nothing, as_parquet=False)).count(b"\n") == 1


@pytest.mark.parametrize("interval", sorted(INTERVALS_MS))
def test_stored_candles_are_those_of_a_view_that_read_all(
    history: History, exchange: Exchange, interval: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_candles, "_PIECE_ROWS", 4)
    view, dice = LiveView(books_from_start=True), random.Random(interval)
    view.apply(exchange.records)
    series = view.candles["PETR4"][interval]
    times = [candle.time_ms for candle in series.between(None, None, limit=9_999, now_ms=0)]
    assert series.whole
    for _ in range(12):
        start_ms = dice.choice([None, dice.choice(times) + dice.choice([-1, 0, 1])])
        end_ms = dice.choice([None, dice.choice(times) + dice.choice([-1, 0, 1])])
        limit = dice.choice([1, 5, 5_000])
        span = CandleSpan(
            symbol="PETR4",
            interval_ms=INTERVALS_MS[interval],
            start_ms=start_ms,
            end_ms=end_ms,
            limit=limit,
        )
        expected = series.between(start_ms, end_ms, limit=limit, now_ms=0)
        found = stored_candles(history, span).rows
        assert [row.item()[0] for row in found] == [candle.time_ms for candle in expected]
        assert [row.item()[5] for row in found] == [candle.volume for candle in expected]
        assert [row.item()[4] / 10_000 for row in found] == [candle.close for candle in expected]


def test_an_export_has_every_trade_in_its_day_and_only_writes_what_is_new(
    history: History, exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.history.export._PIECE_ROWS", 5)
    folder = tmp_path / "exported"
    first = list(export(history, folder))
    trades = trades_of(exchange)[::-1]
    table = pandas.read_parquet(folder).sort_values(["offset", "index"])
    told = [f"0-{offset}-{index}" for offset, index in zip(table["offset"], table["index"], strict=True)]
    assert told == [trade.transaction_id for trade in trades]
    for file in folder.glob("*/*.parquet"):
        days = {day_of(time_ms) for time_ms in pandas.read_parquet(file)["time_ms"]}
        assert days == {file.parent.name}
        assert set(pandas.read_parquet(file)["symbol"]) == {file.stem}
    assert not list(folder.glob("*/*.part"))
    newest = max(file.path.parent.name for file in first)
    again = list(export(history, folder))
    assert [file.path for file in again] == [file.path for file in first]
    assert {file.path.parent.name for file in again if file.rows is not None} == {newest}
    assert len({file.path.parent.name for file in first}) > 1


def day_of(time_ms: int) -> str:
    """Name the day in Brasília."""
    return datetime.fromtimestamp(time_ms / 1_000, timezone(timedelta(hours=-3))).strftime("%Y-%m-%d")


def test_a_day_that_was_not_over_is_exported_again_once_it_is(
    history: History, exchange: Exchange, database_url: str, tmp_path: Path
) -> None:
    newest = max(file.path.parent.name for file in export(history, tmp_path))
    store, start = HistoryStore(database_url), len(exchange.records)
    reader = BatchReader(store.places())
    exchange.time_ms += 2 * 86_400_000
    exchange.place("new-1", Side.SELL, 5, 9.95, investor_id="ana")
    exchange.place("new-2", Side.BUY, 5, 10.05, investor_id=ME)
    store.write(reader.batch([record for record in exchange.records[start:] if record.topic != BOOK]))
    store.close()
    written = {file.path.parent.name for file in export(history, tmp_path) if file.rows is not None}
    assert written == {newest, day_of(exchange.time_ms)}


def test_whatever_is_asked_of_an_investors_executions_is_found_by_their_index(history: History) -> None:
    with history.snapshot() as connection:
        if connection.dialect.name == "postgresql":
            found = connection.exec_driver_sql(
                "SELECT indexdef FROM pg_indexes WHERE indexname = 'executions_of_investor'"
            ).scalar_one()
            assert "WHERE" not in found
            return
        for execution_type in (None, ExecutionType.TRADE, ExecutionType.REJECTED):
            wanted = executions.ExecutionFilter(
                investor_id=ME, order_id="o-1", execution_type=execution_type, cursor="0-9-9", limit=5
            )
            asked = executions._query(connection, wanted).compile(
                connection, compile_kwargs={"literal_binds": True}
            )
            [plan] = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}").all()
            assert "USING INDEX executions_of_investor (investor_id=?" in plan[3]


_WITHOUT_PANDAS = """
import sys
from api.history import History, TransactionFilter
from api.history.downloads import download
for investor_id in (None, "demo"):
    for as_parquet in (False, True):
        wanted = TransactionFilter(limit=10_000, investor_id=investor_id)
        assert len(b"".join(download(History(sys.argv[1]), wanted, as_parquet=as_parquet))) > 100
assert "pandas" not in sys.modules
"""


def test_a_download_loads_no_pandas_into_the_server(history: History, database_url: str) -> None:
    assert history.positions_in_log()
    script = [sys.executable, "-c", _WITHOUT_PANDAS, database_url]
    ran = subprocess.run(script, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_what_is_missing_in_a_column_is_missing_in_the_file() -> None:
    for values, kind in (
        ((0.5, None, 0.0, None, 0.25, None, None, None, 1.5, None), pa.float64()),
        ((3, 0, -(2**63), 2**63 - 1), pa.int64()),
        (("a", None, "", "ação"), pa.string()),
        ((), pa.string()),
        ((), pa.int64()),
    ):
        column = downloads._column(values, kind)
        column.validate(full=True)
        assert column.to_pylist() == list(values)
