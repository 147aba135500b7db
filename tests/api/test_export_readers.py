"""Exported days and symbols as DuckDB and pandas read them: the rows of the database, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from sqlalchemy import func, select

from api.history import History
from api.history.export import SCHEMA, export
from api.recorder.rows import BatchReader
from api.recorder.store import HistoryStore
from api.recorder.tables import transactions
from bench.history import record, trades
from engine.log import LogRecord
from engine.topics import TRANSACTIONS

ROWS = 3_000
SYMBOLS = 4
NAMES = SCHEMA.names


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    """Give a history of a few days."""
    store = HistoryStore(database_url)
    store.prepare()
    made = trades(ROWS, symbols=SYMBOLS, trades_a_second=0.01)
    records = [
        LogRecord(TRANSACTIONS, 0, offset, row.time_ms, b"", record(row)) for offset, row in enumerate(made)
    ]
    store.write(BatchReader().batch(records))
    store.close()
    history = History(database_url)
    yield history
    history.close()


@pytest.fixture
def files(history: History, tmp_path: Path) -> str:
    """Export; gives what names all files."""
    folder = tmp_path / "exported"
    written = list(export(history, folder))
    assert len(written) == len({file.path for file in written}) > 2 * SYMBOLS
    assert sum(file.rows or 0 for file in written) == ROWS
    return str(folder / "*" / "*.parquet")


def test_duckdb_reads_the_rows_of_the_database(history: History, files: str) -> None:
    expected = [tuple(row) for row in history.rows(select(transactions).order_by(*transactions.primary_key))]
    columns = ", ".join(f'"{name}"' for name in NAMES)
    with duckdb.connect() as database:
        found = database.execute(
            f"""SELECT {columns} FROM read_parquet('{files}') ORDER BY shard, "offset", "index" """  # noqa: S608
        ).fetchall()
    assert len(found) == ROWS
    assert found == expected


def test_duckdb_counts_by_day_and_symbol_as_the_database_does(history: History, files: str) -> None:
    sums = (func.count(), func.sum(transactions.c.quantity), func.max(transactions.c.price))
    expected = {
        symbol: tuple(row)
        for symbol, *row in history.rows(select(transactions.c.symbol, *sums).group_by("symbol"))
    }
    with duckdb.connect() as database:
        by_file = database.execute(
            f"""SELECT filename, symbol, count(*), sum(quantity)::BIGINT, max(price)
            FROM read_parquet('{files}', filename = true) GROUP BY filename, symbol"""  # noqa: S608
        ).fetchall()
    found: dict[str, tuple[int, int, float]] = {}
    for name, symbol, count, quantity, price in by_file:
        assert Path(name).stem == symbol
        before = found.get(symbol, (0, 0, 0.0))
        found[symbol] = (before[0] + count, before[1] + quantity, max(before[2], price))
    assert found == expected


def test_pandas_reads_the_rows_of_the_database(history: History, files: str) -> None:
    expected = [tuple(row) for row in history.rows(select(transactions).order_by(*transactions.primary_key))]
    table = pd.read_parquet(Path(files).parents[1]).sort_values(["shard", "offset", "index"])
    assert [tuple(row) for row in table[NAMES].itertuples(index=False)] == expected
