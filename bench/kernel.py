"""The matching kernel in memory, on one core, beside exchange-core on the same stream.

All take commands that are ready in memory, match them and leave what happened where a caller finds it: rows
of events here, chained event objects there. exchange-core takes part twice: its bare order book, and that
book with the risk engine that checks accounts and settles, as our kernel does. Ours reports the state of each
order and account and notes changed price levels besides. Nothing is decoded, encoded or sent.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from statistics import median
from typing import Final, NamedTuple

import numpy as np
import psutil

from bench.peers.exchange_core import ExchangeCore, NoPeerError, Part, exchange_core
from bench.report import Figure, print_figures
from bench.stream import INVESTORS, Array, Stream, command_rows, stream, stream_opening
from engine.kernel import header as h
from engine.kernel import words
from engine.kernel.books import TOLD_LEVEL, take_changed_levels
from engine.kernel.layout import NONE, Capacity, EventKind
from engine.kernel.memory import Memory
from engine.kernel.run import run as run_kernel
from engine.names import Names, investor_names
from engine.wire.rows import CommandRows

_TIME_MS: Final = 1_790_000_000_000
_SMALL_BATCH: Final = 100
_FETCHED: Final = 5_000  # about as many as a poll of Kafka brings
_SINGLES: Final = 20_000
_RESTING_MANY: Final = 1_000_000
_NAME_BYTES_MAX: Final = 1 << 16
_SYMBOLS: Final = (1, 100)
_READY: Final = """
import time
start_s = time.perf_counter()
from engine import warm_up
warm_up.load()
print(time.perf_counter() - start_s)
"""


class _Book:
    """A market of its own, opened, and driven as the shard drives it."""

    def __init__(self, symbols: int) -> None:
        self._memory = Memory(Capacity())
        self._levels = np.zeros(len(self._memory.changed_levels), TOLD_LEVEL)
        batch = _opening(symbols)
        self.run(batch.commands, batch.text)

    def run(self, rows: Array, text: Array) -> None:
        """Run commands; what happened is let go, a kernel's call at a time."""
        for _ in self._calls(rows, text):
            pass

    def events(self, rows: Array, text: Array) -> Iterator[Array]:
        """Run commands and give the rows of events of each of the kernel's calls."""
        for count in self._calls(rows, text):
            yield self._memory.events[:count]

    def _calls(self, rows: Array, text: Array) -> Iterator[int]:
        memory, header = self._memory, self._memory.header
        memory.take_batch(rows, text)
        done, count = 0, len(rows)
        while done < count:
            done = run_kernel(header, done, count)
            yield header.item(h.EVENTS)
            if 2 * header.item(h.CHANGED_LEVELS) > len(memory.changed_levels):
                take_changed_levels(header, self._levels)
        memory.give_back()


@cache
def _opening(symbols: int) -> CommandRows:
    batch = CommandRows(
        investor_names(1 + INVESTORS, _NAME_BYTES_MAX),
        Names(symbols, _NAME_BYTES_MAX),
    )
    for offset, command in enumerate(stream_opening(symbols=symbols)):
        batch.add(command, offset, _TIME_MS)
    return batch


class _Load(NamedTuple):
    """A stream and its rows, behind the commands that open the market."""

    made: Stream
    rows: Array
    text: Array


def run(*, commands: int, rounds: int, resting: int) -> None:
    """Measure and print the figures."""
    _print_start()
    for symbols in _SYMBOLS:
        _print_rates(_load(commands, symbols, resting), rounds)
    _print_memory()


def _load(commands: int, symbols: int, resting: int) -> _Load:
    made = stream(commands, symbols=symbols, resting=resting)
    return _Load(made, *command_rows(made, first_offset=len(_opening(symbols)), time_ms=_TIME_MS))


def _print_rates(load: _Load, rounds: int) -> None:
    with ExitStack() as stack:
        peers: list[ExchangeCore] = []
        try:
            peers.extend(stack.enter_context(exchange_core(part, load.made)) for part in Part)
        except NoPeerError as error:
            print(error)
        _check(load, peers)
        ours, small, theirs = _alternate(load, rounds, peers)
    count, facts = len(load.rows), load.made.facts
    figures = [
        Figure("kernel, large batches", count / median(ours), "commands/s"),
        Figure(f"kernel, batches of {_SMALL_BATCH}", count / median(small), "commands/s"),
        *_single_figures(load),
    ]
    for peer, times_s in zip(peers, theirs, strict=True):
        ratio = median(their_s / our_s for their_s, our_s in zip(times_s, ours, strict=True))
        figures += [
            Figure(peer.part.title, count / median(times_s), "commands/s"),
            Figure("kernel / this, median of rounds", ratio, "×"),
        ]
    figures += [
        Figure("trades a command", facts.trades / count, ""),
        Figure("limit orders that trade", facts.limits_that_trade, ""),
        Figure("orders resting, mean", facts.resting_mean, ""),
    ]
    title = (
        f"kernel in memory, {load.made.symbols} symbol(s), medians of {rounds} rounds of {count:,} commands"
    )
    print_figures(title, figures)


def _alternate(
    load: _Load, rounds: int, peers: list[ExchangeCore]
) -> tuple[list[float], list[float], list[list[float]]]:
    """Time rounds of ours in large and in small batches and of each peer, in turn; a first one warms up."""
    ours: list[float] = []
    small: list[float] = []
    theirs: list[list[float]] = [[] for _ in peers]
    for _ in range(rounds + 1):
        ours.append(_timed(_Book(load.made.symbols), load, len(load.rows)))
        for peer, times_s in zip(peers, theirs, strict=True):
            times_s.append(peer.run_pass())
        small.append(_timed(_Book(load.made.symbols), load, _SMALL_BATCH))
    return ours[1:], small[1:], [times_s[1:] for times_s in theirs]


def _timed(book: _Book, load: _Load, batch: int) -> float:
    batches = [load.rows[first : first + batch] for first in range(0, len(load.rows), batch)]
    start_s = time.perf_counter()
    for rows in batches:
        book.run(rows, load.text)
    return time.perf_counter() - start_s


def _single_figures(load: _Load) -> list[Figure]:
    """Time single commands, each a batch of its own, behind the others."""
    book = _Book(load.made.symbols)
    book.run(load.rows[:-_SINGLES], load.text)
    times_s = np.empty(_SINGLES)
    for place, row in enumerate(range(len(load.rows) - _SINGLES, len(load.rows))):
        rows = load.rows[row : row + 1]
        start_s = time.perf_counter()
        book.run(rows, load.text)
        times_s[place] = time.perf_counter() - start_s
    return [
        Figure("a single command, p50", float(np.median(times_s)) * 1e6, "µs"),
        Figure("a single command, p99", float(np.percentile(times_s, 99)) * 1e6, "µs"),
    ]


def _check(load: _Load, peers: list[ExchangeCore]) -> None:
    """See that all did the same work: the generator's book, the kernel and the peers."""
    trades = quantity = refused = 0
    for events in _Book(load.made.symbols).events(load.rows, load.text):
        reports = events["kind"] == EventKind.EXECUTION
        makers = reports & (events["trade"] != NONE) & (events["liquidity"] == 1)
        trades += int(np.count_nonzero(makers))
        quantity += int(events["last_quantity"][makers].sum())
        refused += int(np.count_nonzero(reports & (events["execution_type"] == words.DID_REJECT)))
    facts = load.made.facts
    same = (facts.trades, facts.traded_quantity, 0)
    assert (trades, quantity, refused) == same, "the kernel traded otherwise"
    for peer in peers:
        told = (peer.trades, peer.traded_quantity, peer.refused)
        assert told == same, f"{peer.part.title} traded otherwise: {told}"
        print(f"{peer.part.title} and the kernel: the same {trades:,} trades of {quantity:,} shares")


def _print_memory() -> None:
    """Tell how much memory a resting order takes, ids and index included."""
    process = psutil.Process()
    load = _load(_RESTING_MANY, 1, _RESTING_MANY)
    book = _Book(1)
    before = process.memory_info().rss
    for first in range(0, _RESTING_MANY, _FETCHED):
        book.run(load.rows[first : first + _FETCHED], load.text)
    grown = process.memory_info().rss - before
    print_figures(
        f"memory with {_RESTING_MANY:,} orders resting",
        [Figure("a resting order", grown / _RESTING_MANY, "bytes")],
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
