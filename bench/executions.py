"""What `GET /executions` costs the database, and what the index that serves it costs the recorder.

python -m bench.executions [millions]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Final

from msgspec import structs
from sqlalchemy import text

from api.history import History, QueryTooLongError
from api.history.executions import ExecutionFilter, page
from api.recorder.rows import Batch, ExecutionRow
from api.recorder.store import HistoryStore
from bench.postgresql import NoPostgresqlError, own_postgresql
from bench.report import Figure, print_figures
from engine.domain import ExecutionType
from homebroker.ports import free_port

_INVESTORS: Final = 1_000
_BATCH_ROWS: Final = 20_000
_RARE: Final = "rare"
_RARE_ROWS: Final = 10
_ROUNDS: Final = 3
_NARROWER: Final = (
    "DROP INDEX executions_of_investor",
    'CREATE INDEX executions_of_investor ON executions (investor_id, shard, "offset", "index") '
    "WHERE transaction_id IS NOT NULL",
)
"""The index as it was once: of fills alone."""


def run(count: int) -> None:
    """Make histories, measure and print the figures."""
    figures: list[Figure] = []
    for name in ("SQLite", "PostgreSQL"):
        for narrower in (True, False):
            with ExitStack() as opened:
                try:
                    url = _database(name, opened)
                except NoPostgresqlError as error:
                    print(error)
                    continue
                shown = f"{name}, index of {'fills' if narrower else 'all'}"
                figures += _measured(url, shown, count, narrower=narrower)
    print_figures(f"executions: {count:,} of {_INVESTORS:,} investors", figures)


def _database(name: str, opened: ExitStack) -> str:
    if name == "SQLite":
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="homebroker-bench-"))
        return f"sqlite:///{folder}/history.sqlite"
    return opened.enter_context(own_postgresql(free_port()))


def _measured(url: str, shown: str, count: int, *, narrower: bool) -> list[Figure]:
    store = HistoryStore(url)
    store.prepare()
    if narrower:
        with store.database.begin() as connection:
            for statement in _NARROWER:
                connection.execute(text(statement))
    made, written_s, used_s = _executions(count), 0.0, time.process_time()
    while rows := [structs.astuple(row) for row in islice(made, _BATCH_ROWS)]:
        begin_s = time.perf_counter()
        store.write(Batch(executions=rows))
        written_s += time.perf_counter() - begin_s
    used_s = time.process_time() - used_s
    if store.database.dialect.name == "postgresql":
        with store.database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE executions"))
    store.close()
    history = History(url)
    figures = [
        Figure(f"{shown}: written", count / written_s, "executions/s"),
        Figure(f"{shown}: processor time of making and writing one", 1e6 * used_s / count, "µs"),
    ]
    for asked, wanted in _QUESTIONS.items():
        figures.append(Figure(f"{shown}: {asked}", _best_ms(history, wanted), "ms"))
    history.close()
    return figures


_QUESTIONS: Final = {
    "the newest 200 of one of many": ExecutionFilter(investor_id="bench-0007", limit=200),
    "an old order of one of many": ExecutionFilter(investor_id="bench-0007", order_id="o-1007", limit=200),
    "fills of one of many": ExecutionFilter(
        investor_id="bench-0007", execution_type=ExecutionType.TRADE, limit=200
    ),
    "all 10 of who was there at the beginning": ExecutionFilter(investor_id=_RARE, limit=200),
    "of who never was": ExecutionFilter(investor_id="nobody", limit=200),
}


def _best_ms(history: History, wanted: ExecutionFilter) -> float:
    best_s = float("inf")
    for _ in range(_ROUNDS):
        begin_s = time.perf_counter()
        try:
            page(history, wanted)
        except QueryTooLongError:
            return float("inf")
        best_s = min(best_s, time.perf_counter() - begin_s)
    return 1_000 * best_s


def _executions(count: int) -> Iterator[ExecutionRow]:
    # An order is accepted and filled, at two offsets: half of all are fills, as in a market that trades much.
    for number in range(count):
        investor = _RARE if number < _RARE_ROWS else f"bench-{number // 2 % _INVESTORS:04d}"
        is_fill = number % 2 == 1
        yield ExecutionRow(
            shard=0,
            offset=number,
            index=0,
            time_ms=1_750_000_000_000 + number,
            execution_type="trade" if is_fill else "new",
            order_id=f"o-{number // 2}",
            investor_id=investor,
            client_order_id=None,
            symbol=f"BENCH{number % 100:03d}",
            side="buy",
            type="limit",
            time_in_force="day",
            price=38.5,
            stop_price=None,
            quantity=100,
            filled_quantity=100 if is_fill else 0,
            remaining_quantity=0 if is_fill else 100,
            average_price=38.5 if is_fill else None,
            status="filled" if is_fill else "new",
            last_price=38.5 if is_fill else None,
            last_quantity=100 if is_fill else None,
            fee=0.1155 if is_fill else None,
            transaction_id=f"0-{number}-0" if is_fill else None,
            liquidity="taker" if is_fill else None,
        )


if __name__ == "__main__":
    run(int(1_000_000 * float(sys.argv[1] if len(sys.argv) > 1 else "5")))
