"""Trades from Kafka to SQLite and PostgreSQL, beside the same rows from memory by the driver's plain way."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any, Final, NamedTuple

import psycopg
from msgspec import structs
from sqlalchemy import Engine, select

from api.database import open_database
from api.recorder.store import HistoryStore
from api.recorder.tables import positions_in_log, transactions
from bench.history import record, trades
from bench.postgresql import NoPostgresqlError, own_postgresql
from bench.processes import Measured, recorder_process
from bench.report import Figure, print_figures
from engine.log import LogReader, LogWriter, NewRecord
from engine.topics import TRANSACTIONS
from homebroker.broker.temporary import temporary_broker
from homebroker.ports import free_port
from homebroker.settings import Settings

_SYMBOLS: Final = 100
_BATCH: Final = 50_000
_POLL_S: Final = 0.02
_TIMEOUT_S: Final = 300.0
_COLUMNS: Final = [column.name for column in transactions.columns]


class _Round(NamedTuple):
    recorded_s: float
    processor_s: float
    plain_s: float


def run(*, trades: int, rounds: int) -> None:
    """Measure on a broker and databases of its own and print the figures."""
    for name in ("SQLite", "PostgreSQL"):
        try:
            with temporary_broker() as settings, _own_database(name) as url:
                measured = asyncio.run(_measure(settings, url, trades, rounds))
        except NoPostgresqlError as error:
            print(f"{name} is left out: {error}")
            continue
        print_figures(
            f"recorder, {name}, medians of {rounds} rounds of {trades:,} trades in {_SYMBOLS} symbols",
            [
                Figure(
                    "Kafka to database", median(trades / each.recorded_s for each in measured), "trades/s"
                ),
                Figure(_PLAIN[name], median(trades / each.plain_s for each in measured), "rows/s"),
                Figure("recorder / plain", median(each.plain_s / each.recorded_s for each in measured), "×"),
                Figure(
                    "recorder: processor a trade",
                    median(each.processor_s / trades for each in measured) * 1e6,
                    "µs",
                ),
            ],
        )


_PLAIN: Final = {"SQLite": "plain executemany from memory", "PostgreSQL": "plain COPY from memory"}


@contextmanager
def _own_database(name: str) -> Iterator[str]:
    if name == "PostgreSQL":
        with own_postgresql(free_port()) as url:
            yield url
        return
    with tempfile.TemporaryDirectory(prefix="homebroker-bench-") as folder:
        yield f"sqlite:///{folder}/history.sqlite"


async def _measure(settings: Settings, url: str, count: int, rounds: int) -> list[_Round]:
    settings = settings.model_copy(update={"database_url": url})
    database = open_database(url)
    measured: list[_Round] = []
    with recorder_process(settings) as recorder:
        async with LogWriter(settings.connection) as writer, LogReader(settings.connection) as reader:
            for number in range(rounds):
                made = list(trades(count, symbols=_SYMBOLS, first_offset=number * count))
                records = [NewRecord(b"bench", record(row), row.time_ms) for row in made]
                recorder.hold()
                await writer.append_all(TRANSACTIONS, records)
                end = await reader.end_offset(TRANSACTIONS, 0)
                recorded_s, processor_s = _record(recorder, database, end)
                rows = [structs.astuple(row) for row in made]
                measured.append(_Round(recorded_s, processor_s, _plain(url, rows, number)))
    database.dispose()
    return measured


def _record(recorder: Measured, database: Engine, end: int) -> tuple[float, float]:
    table = positions_in_log.c
    query = select(table.next_offset).where(table.topic == TRANSACTIONS)
    processor_s, start_s = recorder.processor_s(), time.perf_counter()
    recorder.go_on()
    while True:
        with database.connect() as connection:
            if connection.execute(query).scalar() == end:
                return time.perf_counter() - start_s, recorder.processor_s() - processor_s
        recorder.check_alive()
        if time.perf_counter() - start_s > _TIMEOUT_S:
            raise TimeoutError(f"not recorded within {_TIMEOUT_S:.0f} s")
        time.sleep(_POLL_S)


def _plain(url: str, rows: Sequence[tuple[Any, ...]], number: int) -> float:
    """Insert the rows into a table like the recorder's, in a place of its own; gives the seconds."""
    if url.startswith("sqlite"):
        return _plain_sqlite(url.replace("history.sqlite", "plain.sqlite"), rows)
    return _plain_copy(url, rows, first=number == 0)


def _plain_sqlite(url: str, rows: Sequence[tuple[Any, ...]]) -> float:
    store = HistoryStore(url)
    store.prepare()
    marks = ", ".join("?" * len(_COLUMNS))
    with store.database.connect() as connection:
        driver: Any = connection.connection.driver_connection
        start_s = time.perf_counter()
        for start in range(0, len(rows), _BATCH):
            with driver:
                driver.executemany(
                    f"INSERT INTO transactions VALUES ({marks})",  # noqa: S608 - question marks
                    rows[start : start + _BATCH],
                )
        took_s = time.perf_counter() - start_s
    store.close()
    return took_s


def _plain_copy(url: str, rows: Sequence[tuple[Any, ...]], *, first: bool) -> float:
    schema = "plain"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        if first:
            connection.execute(f"CREATE SCHEMA {schema}")
            connection.execute(f"CREATE TABLE {schema}.transactions (LIKE transactions INCLUDING ALL)")
        start_s = time.perf_counter()
        for start in range(0, len(rows), _BATCH):
            with connection.cursor().copy(f"COPY {schema}.transactions FROM STDIN") as copying:
                for row in rows[start : start + _BATCH]:
                    copying.write_row(row)
        return time.perf_counter() - start_s
