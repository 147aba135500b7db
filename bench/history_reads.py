"""Reads of a long history in SQLite: candles of a year, and a download with its memory.

python -m bench.history_reads
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

import psutil
from msgspec import structs

from api.history import History, TransactionFilter
from api.history.candles import CandleSpan, stored_candles
from api.history.downloads import download
from api.recorder.rows import Batch
from api.recorder.store import HistoryStore
from bench.history import trades
from bench.report import Figure, print_figures

_YEAR_MINUTES: Final = 365 * 1_440
_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 1_440 * _MINUTE_MS
_START_MS: Final = 1_750_042_800_000 // _DAY_MS * _DAY_MS + 3 * 3_600_000
_TRADES: Final = 1_000_000
_ROUNDS: Final = 40
_SYMBOLS: Final = ("BENCH000", "BENCH001", "BENCH002")


def run() -> None:
    """Make a history, measure and print the figures."""
    with tempfile.TemporaryDirectory(prefix="homebroker-bench-") as folder:
        url = f"sqlite:///{folder}/history.sqlite"
        _make(url)
        history = History(url)
        figures = [
            _candles(history, "1m, a day of a year", _MINUTE_MS, _START_MS + 200 * _DAY_MS, 1_440),
            _candles(history, "1m, 5,000 of a year", _MINUTE_MS, _START_MS + 200 * _DAY_MS, 5_000),
            _candles(history, "1d, a year", _DAY_MS, _START_MS, 365),
        ]
        for name, as_parquet in (("csv", False), ("parquet", True)):
            figures += _download(history, name, as_parquet)
        history.close()
    print_figures(f"reads of a year of minutes in {len(_SYMBOLS)} symbols and {_TRADES:,} trades", figures)


def _make(url: str) -> None:
    store = HistoryStore(url)
    store.prepare()
    for symbol in _SYMBOLS:
        for interval_ms, count in ((_MINUTE_MS, _YEAR_MINUTES), (_DAY_MS, 365)):
            times_ms = (_START_MS + number * interval_ms for number in range(count))
            rows = [(symbol, interval_ms, time_ms, 10.0, 11.0, 9.0, 10.5, 100, 7) for time_ms in times_ms]
            store.write(Batch(candles=rows))
    made = trades(_TRADES, symbols=100)
    while rows_of_batch := [structs.astuple(row) for row in islice(made, 50_000)]:
        store.write(Batch(transactions=rows_of_batch))
    store.close()


def _candles(history: History, name: str, interval_ms: int, start_ms: int, count: int) -> Figure:
    span = CandleSpan(
        symbol=_SYMBOLS[1], interval_ms=interval_ms, start_ms=start_ms, end_ms=None, limit=count
    )

    def read() -> None:
        assert len(stored_candles(history, span).rows) == count

    return Figure(f"candles {name}, median", _median_ms(read), "ms")


def _median_ms(work: Callable[[], Any]) -> float:
    times_s: list[float] = []
    for _ in range(_ROUNDS):
        start_s = time.perf_counter()
        work()
        times_s.append(time.perf_counter() - start_s)
    return sorted(times_s)[_ROUNDS // 2] * 1_000


def _download(history: History, name: str, as_parquet: bool) -> list[Figure]:
    process, most, size = psutil.Process(), 0, 0
    before = process.memory_info().rss
    start_s = time.perf_counter()
    for piece in download(history, TransactionFilter(limit=_TRADES), as_parquet=as_parquet):
        size += len(piece)
        most = max(most, process.memory_info().rss)
    took_s = time.perf_counter() - start_s
    return [
        Figure(f"download as {name}", _TRADES / took_s, "trades/s"),
        Figure(f"download as {name}: its size", size / 1e6, "MB"),
        Figure(f"download as {name}: memory beyond what there was", (most - before) / 1e6, "MB"),
    ]


if __name__ == "__main__":
    run()
