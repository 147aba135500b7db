"""Commands as the kernel takes them, ready in memory: what replays run."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.batches import RawRecords
from engine.domain import Command
from engine.kernel.layout import COMMAND, NONE, Capacity
from engine.kernel.octets import SLACK, Octets
from engine.names import Names, investor_names
from engine.shard import Shard
from engine.wire.reader import CommandReader
from engine.wire.rows import CommandRows

TEXT_BYTES_MAX: Final = (1 << 31) - 1 - SLACK
_NAME_BYTES: Final = 48
_LEARNED_FIRST: Final = 64


def cut(records: RawRecords, first: int, last: int) -> RawRecords:
    """Give the records from one to before another."""
    if first == 0 and last == len(records):
        return records
    rows = slice(first, last)
    return RawRecords(
        records.data, records.offsets[rows], records.times_ms[rows], records.starts[rows], records.ends[rows]
    )


class CommandLog:
    """Commands in the log's order, as rows of numbers and their texts.

    Attributes
    ----------
    rows : ndarray of COMMAND, shape (n,)
        Offsets rise; times are those that the records had.
    text : ndarray of uint8
        What the rows' texts stand in, with `SLACK` bytes behind.
    investors, symbols : Names
        What the rows' accounts and assets are rows of.
    """

    def __init__(self, rows: NDArray[Any], text: Octets, investors: Names, symbols: Names) -> None:
        self.rows = rows
        self.text = text
        self.investors = investors
        self.symbols = symbols

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<CommandLog of {len(self):,} commands>"

    @property
    def offsets(self) -> NDArray[np.int64]:
        """The commands' offsets, shape (n,)."""
        offsets: NDArray[np.int64] = self.rows["offset"]
        return offsets

    @property
    def times_ms(self) -> NDArray[np.int64]:
        """The commands' times, UTC milliseconds, shape (n,)."""
        times_ms: NDArray[np.int64] = self.rows["time_ms"]
        return times_ms

    def part(self, first: int, last: int) -> CommandLog:
        """Give the commands from one to before another."""
        return CommandLog(self.rows[first:last], self.text, self.investors, self.symbols)

    def shard(self) -> Shard:
        """Make an empty market that these commands can be run in."""
        shard = Shard(0)
        for names, known in ((shard.investors, self.investors), (shard.symbols, self.symbols)):
            names.fill(known.entries[: known.count], known.text[: known.text_length])
        return shard

    def batch(self, first: int, last: int, into: CommandRows | None = None) -> CommandRows:
        """Give a copy of some commands as the kernel takes them: it writes the market's time into it.

        Parameters
        ----------
        first, last : int
            From which row to before which.
        into : CommandRows, optional
            A batch that was given before and is done with; its memory is used again.
        """
        batch = into or CommandRows(self.investors, self.symbols)
        count = last - first
        if len(batch.rows) < count:
            batch.rows = np.empty(count, COMMAND)
        batch.rows[:count] = self.rows[first:last]
        batch.text, batch.text_length = self.text, len(self.text) - SLACK
        batch.count = count
        return batch


def empty_names() -> tuple[Names, Names]:
    """Give names for a log that has none yet: investors and symbols."""
    capacity = Capacity()
    bytes_max = min(_NAME_BYTES * capacity.accounts, (1 << 31) - 1)
    return (
        investor_names(capacity.accounts, bytes_max),
        Names(capacity.assets, _NAME_BYTES * capacity.assets),
    )


class LogBuilder:
    """Makes a log of commands that come one after the other.

    Parameters
    ----------
    learns : bool
        Whether symbols that were not listed are taken for listed: for a log that does not begin at its
        beginning, which is read, not run.
    """

    def __init__(self, *, learns: bool = False) -> None:
        self.investors, self.symbols = empty_names()
        self.newest_offset = -1
        self._learns = learns
        self._reader = CommandReader(self.investors, self.symbols)
        self._single = CommandRows(self.investors, self.symbols)
        self._pieces: list[NDArray[Any]] = []
        self._texts: list[Octets] = []
        self._text_bytes = 0

    def add(self, command: Command, offset: int, time_ms: int) -> None:
        """Append a command."""
        self._single.clear()
        self._single.add(command, offset, time_ms)
        self._append(self._single)

    def add_records(self, records: RawRecords) -> None:
        """Append the commands that records of `orders` hold, as the engine reads them."""
        first, count = 0, _LEARNED_FIRST if self._learns else len(records)
        while first < len(records):
            last = min(first + count, len(records))
            batch = self._reader.read(cut(records, first, last))
            self._append(batch)
            if self._learns:
                self._learn(batch)
            # Records of a symbol that is not known are read slowly, until it is.
            first, count = last, 4 * count

    def take(self) -> CommandLog:
        """Give what was appended since the last call; names stay."""
        log = self.log()
        self._pieces, self._texts, self._text_bytes = [], [], 0
        return log

    def log(self) -> CommandLog:
        """Give what was appended."""
        rows = np.concatenate(self._pieces) if self._pieces else np.zeros(0, COMMAND)
        text = np.concatenate([*self._texts, np.zeros(SLACK, np.uint8)])
        return CommandLog(rows, text, self.investors, self.symbols)

    def _append(self, batch: CommandRows) -> None:
        rows = batch.commands.copy()
        if int(rows["offset"][0]) <= self.newest_offset:
            raise ValueError(
                f"Offset {rows['offset'][0]} comes after {self.newest_offset}: "
                "give the commands in the log's order."
            )
        if self._text_bytes + batch.text_length > TEXT_BYTES_MAX:
            raise ValueError("The commands' texts have more than 2 GB together; take fewer commands at once.")
        rows["text"] += self._text_bytes
        self._text_bytes += batch.text_length
        self._texts.append(batch.text[: batch.text_length].copy())
        self._pieces.append(rows)
        self.newest_offset = int(rows["offset"][-1])

    def _learn(self, batch: CommandRows) -> None:
        rows = batch.commands
        for row in rows[(rows["asset"] == NONE) & (rows["symbol_length"] > 0)]:
            lengths = [int(row[name]) for name in ("id_length", "client_length", "investor_length")]
            start = int(row["text"]) + sum(lengths)
            self.symbols.add(batch.text[start : start + int(row["symbol_length"])].tobytes())
