"""A market of arrays that a benchmark drives as the shard drives its own, and the stream that it is given."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from bench.stream import INVESTORS, Array, Facts, command_rows, stream, stream_opening
from engine.kernel import header as h
from engine.kernel import words
from engine.kernel.books import TOLD_LEVEL, take_changed_levels
from engine.kernel.layout import BUCKET, NONE, Capacity, EventKind
from engine.kernel.memory import Memory
from engine.kernel.run import run as run_kernel
from engine.names import Names, investor_names
from engine.state import ShardState, bytes_of
from engine.wire.rows import CommandRows

Kernel: TypeAlias = Callable[[Array, int, int], int]

_TIME_MS: Final = 1_790_000_000_000
_NAME_BYTES_MAX: Final = 1 << 16


class Load(NamedTuple):
    """A stream's rows and their text, what is true of it, and its symbols."""

    rows: Array
    text: Array
    facts: Facts
    symbols: int


class Done(NamedTuple):
    """What a market made of a stream; two that matched alike have the same."""

    trades: int
    traded_quantity: int
    refused: int


def load(commands: int, symbols: int, resting: int) -> Load:
    """Make a stream that goes on where the commands that open the market end."""
    made = stream(commands, symbols=symbols, resting=resting)
    rows, text = command_rows(made, first_offset=len(_opening(symbols)), time_ms=_TIME_MS)
    return Load(rows, text, made.facts, symbols)


@cache
def _opening(symbols: int) -> CommandRows:
    batch = CommandRows(
        investor_names(1 + INVESTORS, _NAME_BYTES_MAX),
        Names(symbols, _NAME_BYTES_MAX),
    )
    for offset, command in enumerate(stream_opening(symbols=symbols)):
        batch.add(command, offset, _TIME_MS)
    return batch


class Book:
    """A market of its own, opened, and driven as the shard drives it.

    Parameters
    ----------
    symbols : int
        How many assets are listed.
    kernel : callable, optional
        What runs commands, `engine.kernel.run.run` or the same made otherwise.
    capacity : Capacity, optional
        How large the market may become.
    """

    def __init__(self, symbols: int, kernel: Kernel = run_kernel, capacity: Capacity | None = None) -> None:
        self._kernel = kernel
        self.memory = Memory(capacity or Capacity())
        self._levels = np.zeros(len(self.memory.changed_levels), TOLD_LEVEL)
        batch = _opening(symbols)
        self.run(batch.commands, batch.text)
        self._opened_words = self.memory.header[: h.WORDS].copy()
        self._opened = ShardState.of(0, self.memory, {}, {}).copied()

    def rewind(self) -> None:
        """Be as after the opening again, in the same memory, as a Java heap is the same in all rounds.

        New memory is cleared by the system while the market runs. Where the machine is a virtual one its host
        may take milliseconds for each 2 MB, and takes them away again when nobody uses them for a second.
        """
        memory = self.memory
        # The tables of ids that were left for larger ones stand before them, in either half.
        behind = 2 * memory.header.item(h.IDS_SIZE) // BUCKET
        levels = memory.header.item(h.LEVELS_USED)
        used = [
            *(memory.part(*part) for part in memory.parts()),
            *(half[:behind] for half in np.split(memory.ids, 2)),
            memory.level_changed[:levels],
            memory.level_hints,
            memory.publications,
            memory.changed_levels,
        ]
        for rows in used:
            bytes_of(rows)[:] = 0
        # Where the batch is stands behind these words.
        memory.header[: h.WORDS] = self._opened_words
        self._opened.restore(memory, {})

    def run(self, rows: Array, text: Array) -> None:
        """Run commands; what happened is let go, a kernel's call at a time."""
        for _ in self._calls(rows, text):
            pass

    def timed(self, given: Load, batch: int) -> float:
        """Run a stream in batches of so many commands and give the seconds."""
        batches = [given.rows[first : first + batch] for first in range(0, len(given.rows), batch)]
        start_s = time.perf_counter()
        for rows in batches:
            self.run(rows, given.text)
        return time.perf_counter() - start_s

    def done(self, given: Load) -> Done:
        """Run a stream and count what happened."""
        trades = quantity = refused = 0
        for count in self._calls(given.rows, given.text):
            events = self.memory.events[:count]
            reports = events["kind"] == EventKind.EXECUTION
            makers = reports & (events["trade"] != NONE) & (events["liquidity"] == 1)
            trades += int(np.count_nonzero(makers))
            quantity += int(events["last_quantity"][makers].sum())
            refused += int(np.count_nonzero(reports & (events["execution_type"] == words.DID_REJECT)))
        return Done(trades, quantity, refused)

    def _calls(self, rows: Array, text: Array) -> Iterator[int]:
        memory, header = self.memory, self.memory.header
        memory.take_batch(rows, text)
        done, count = 0, len(rows)
        while done < count:
            done = self._kernel(header, done, count)
            yield header.item(h.EVENTS)
            if 2 * header.item(h.CHANGED_LEVELS) > len(memory.changed_levels):
                take_changed_levels(header, self._levels)
        memory.give_back()
