"""The matching kernel in memory, on one core, beside exchange-core on the same stream.

All take commands that are ready in memory, match them and leave what happened where a caller finds it: rows
of events here, chained event objects there. exchange-core takes part twice: its bare order book, and that
book with the risk engine that checks accounts and settles, as our kernel does. Ours takes part a second time
without accounts, as the bare book has none. It reports the state of each order and account and notes changed
price levels besides. Nothing is decoded, encoded or sent.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from statistics import median
from typing import Final

import numpy as np
import psutil

from bench.kernel_book import Book, Done, Load, load
from bench.matching_alone import TITLE as ALONE
from bench.matching_alone import MatchingAlone, matching_alone
from bench.peers.exchange_core import ExchangeCore, NoPeerError, Part, exchange_core
from bench.report import Figure, print_figures
from bench.stream import stream
from engine.kernel import header as h

_KERNEL: Final = "kernel, large batches"
_SMALL_BATCH: Final = 100
_FETCHED: Final = 5_000  # about as many as a poll of Kafka brings
_SINGLES: Final = 20_000
_RESTING_MANY: Final = 1_000_000
_GROWING: Final = 4_000_000
_FIRST_BATCHES: Final = 10  # in which the first ids of a table go to nearly all of its huge pages
_SYMBOLS_MANY: Final = 100
_RESTING_A_BOOK: Final = 2_000  # where all books are full, and not their market alone
_READY: Final = """
import time
start_s = time.perf_counter()
from engine import warm_up
warm_up.load()
print(time.perf_counter() - start_s)
"""


def run(*, commands: int, rounds: int, resting: int) -> None:
    """Measure and print the figures."""
    _print_start()
    full = _SYMBOLS_MANY * _RESTING_A_BOOK
    for symbols, orders in ((1, resting), (_SYMBOLS_MANY, resting), (_SYMBOLS_MANY, full)):
        _print_rates(load(commands, symbols, orders), orders, rounds)
    _print_memory()
    _print_growth()


def _print_rates(given: Load, resting: int, rounds: int) -> None:
    symbols, count = given.symbols, len(given.rows)
    with ExitStack() as stack:
        alone = stack.enter_context(matching_alone(count, symbols, resting))
        peers: list[ExchangeCore] = []
        try:
            made = stream(count, symbols=symbols, resting=resting)
            peers.extend(stack.enter_context(exchange_core(part, made)) for part in Part)
        except NoPeerError as error:
            print(error)
        book = Book(symbols)
        _check(given, book.done(given), alone, peers)
        lanes = {
            _KERNEL: lambda: _timed_again(book, given, count),
            "kernel, large batches, memory new to it": lambda: Book(symbols).timed(given, count),
            f"kernel, batches of {_SMALL_BATCH}": lambda: _timed_again(book, given, _SMALL_BATCH),
            ALONE: alone.run_pass,
        } | {peer.part.title: peer.run_pass for peer in peers}
        times_s = _alternate(lanes, rounds)
    figures = [Figure(lane, count / median(times_s[lane]), "commands/s") for lane in lanes]
    for peer in peers:
        title = peer.part.title
        figures.append(Figure(f"kernel / {title}", _ratio(times_s, _KERNEL, title), "×, median of rounds"))
        if peer.part is Part.BOOK:
            figures.append(Figure(f"alone / {title}", _ratio(times_s, ALONE, title), "×, median of rounds"))
    figures += [
        *_single_figures(given),
        Figure("trades a command", given.facts.trades / count, ""),
        Figure("limit orders that trade", given.facts.limits_that_trade, ""),
        Figure("orders resting, mean", given.facts.resting_mean, ""),
    ]
    print_figures(
        f"kernel in memory, {symbols} symbol(s), {resting:,} orders resting, medians of {rounds} rounds of "
        f"{count:,} commands",
        figures,
    )


def _timed_again(book: Book, given: Load, batch: int) -> float:
    book.rewind()
    return book.timed(given, batch)


def _alternate(lanes: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Time rounds of all lanes in turn; a first one warms up."""
    times_s: dict[str, list[float]] = {lane: [] for lane in lanes}
    for _ in range(rounds + 1):
        for lane, run_pass in lanes.items():
            times_s[lane].append(run_pass())
    return {lane: all_s[1:] for lane, all_s in times_s.items()}


def _ratio(times_s: Mapping[str, list[float]], lane: str, peer: str) -> float:
    return median(their_s / our_s for their_s, our_s in zip(times_s[peer], times_s[lane], strict=True))


def _single_figures(given: Load) -> list[Figure]:
    """Time single commands, each a batch of its own, behind the others."""
    book = Book(given.symbols)
    book.run(given.rows[:-_SINGLES], given.text)
    times_s = np.empty(_SINGLES)
    for place, row in enumerate(range(len(given.rows) - _SINGLES, len(given.rows))):
        rows = given.rows[row : row + 1]
        start_s = time.perf_counter()
        book.run(rows, given.text)
        times_s[place] = time.perf_counter() - start_s
    return [
        Figure("a single command, p50", float(np.median(times_s)) * 1e6, "µs"),
        Figure("a single command, p99", float(np.percentile(times_s, 99)) * 1e6, "µs"),
    ]


def _check(given: Load, ours: Done, alone: MatchingAlone, peers: list[ExchangeCore]) -> None:
    """See that all did the same work: the generator's book, both kernels and the peers."""
    facts = given.facts
    same = Done(facts.trades, facts.traded_quantity, 0)
    assert ours == same, "the kernel traded otherwise"
    told = {ALONE: alone.done} | {
        peer.part.title: Done(peer.trades, peer.traded_quantity, peer.refused) for peer in peers
    }
    for lane, done in told.items():
        assert done == same, f"{lane} traded otherwise: {done}"
        print(f"{lane} and the kernel: the same {same.trades:,} trades of {same.traded_quantity:,} shares")


def _print_memory() -> None:
    """Tell how much memory a resting order takes, ids and index included."""
    process = psutil.Process()
    given = load(_RESTING_MANY, 1, _RESTING_MANY)
    book = Book(1)
    before = process.memory_info().rss
    for first in range(0, _RESTING_MANY, _FETCHED):
        book.run(given.rows[first : first + _FETCHED], given.text)
    grown = process.memory_info().rss - before
    print_figures(
        f"memory with {_RESTING_MANY:,} orders resting",
        [Figure("a resting order", grown / _RESTING_MANY, "bytes")],
    )


def _print_growth() -> None:
    """Tell how long small batches take while a market grows, where its table of ids does and elsewhere."""
    given = load(_GROWING, 1, _RESTING_MANY)
    book = Book(1)
    times_ms, begun = np.empty(_GROWING // _SMALL_BATCH), list[int]()
    half = book.memory.header.item(h.IDS_HALF)
    for batch in range(len(times_ms)):
        rows = given.rows[batch * _SMALL_BATCH : (batch + 1) * _SMALL_BATCH]
        start_s = time.perf_counter()
        book.run(rows, given.text)
        times_ms[batch] = (time.perf_counter() - start_s) * 1e3
        if book.memory.header.item(h.IDS_HALF) != half:
            half = 1 - half
            begun.append(batch)
    of_tables = np.concatenate([times_ms[batch : batch + _FIRST_BATCHES] for batch in begun])
    print_figures(
        f"batches of {_SMALL_BATCH} while {_GROWING:,} commands come, {_RESTING_MANY:,} resting",
        [
            Figure("median", float(np.median(times_ms)), "ms"),
            Figure("99.99% of all", float(np.percentile(times_ms, 99.99)), "ms"),
            Figure("the longest", float(times_ms.max()), "ms"),
            Figure(
                f"the longest of the first {_FIRST_BATCHES} of a table of ids", float(of_tables.max()), "ms"
            ),
            Figure("the first of the largest table, in all", float(of_tables[-_FIRST_BATCHES:].sum()), "ms"),
        ],
    )


def _print_start() -> None:
    """Tell what a process waits for the kernel: the first one ever, and every later one."""
    with tempfile.TemporaryDirectory(prefix="homebroker-bench-") as folder:
        first_s, later_s = (_ready_s(folder) for _ in range(2))
    print_figures(
        "from the process's first line to all of the engine's compiled code",
        [Figure("first ever, compiling", first_s, "s"), Figure("later, loading", later_s, "s")],
    )


def _ready_s(cache: str) -> float:
    told = subprocess.run(  # noqa: S603 - our own program with our own arguments
        [sys.executable, "-c", _READY],
        env=os.environ | {"NUMBA_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(told.stdout)
