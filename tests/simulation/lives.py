"""An engine's life in memory: the log's bytes in, by batches; the topics' bytes and the books out.

Each output topic is a list here, so that thousands of crashes are cheap; the same is done with real
processes and the real broker in tests/kafka.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from engine.batches import RawRecords
from engine.domain import BookChanged, Command, Level, Malformed
from engine.kernel.layout import Capacity
from engine.outputs import IDENTIFIED_TOPICS, NOTHING, Identity, Outputs
from engine.shard import Shard
from engine.state import ShardState
from engine.wire.commands import encode_command
from engine.wire.reader import CommandReader
from tests.output_values import values_by_topic
from tests.strategies import Step

Topics: TypeAlias = dict[str, list[bytes]]
Levels: TypeAlias = tuple[tuple[Level, ...], tuple[Level, ...]]

CAPACITY = Capacity(
    orders=1 << 14,
    levels=1 << 15,
    nodes=1 << 15,
    assets=1 << 12,
    accounts=1 << 12,
    positions=1 << 13,
    ids=1 << 16,
    text_chunks=1 << 16,
)
"""Room enough for a test's market, and quicker to reserve than a real one's."""


def raw_records(log: Sequence[Step], first: int) -> RawRecords:
    """Give some of a log's commands as a fetch brings them; offsets count from `first`."""
    values = [order_record(step.command) for step in log]
    ends = np.cumsum([len(value) for value in values], dtype=np.int64)
    starts = ends - np.array([len(value) for value in values], np.int64)
    return RawRecords(
        np.frombuffer(b"".join(values), np.uint8),
        np.arange(first, first + len(log), dtype=np.int64),
        np.array([step.time_ms for step in log], np.int64),
        starts,
        ends,
    )


def order_record(command: Command) -> bytes:
    """Write a command as a record of `orders`; a malformed one as a record that is none."""
    if not isinstance(command, Malformed):
        return encode_command(command)
    told = {name: getattr(command, name) for name in ("order_id", "investor_id", "symbol")}
    return msgspec.json.encode({"command": command.message, **told})


class Life:
    """An engine from its start on.

    Parameters
    ----------
    shard : Shard
        Empty, or restored.
    sent : mapping of str to Identity
        The last identity on each topic when it starts.

    Attributes
    ----------
    topics : dict of str to list of bytes
        What it has sent, by topic.
    books : list of BookChanged
        What it has told of the books.
    """

    def __init__(self, shard: Shard, sent: Mapping[str, Identity] | None = None) -> None:
        self.shard = shard
        self.topics: Topics = {topic: [] for topic in IDENTIFIED_TOPICS}
        self.books: list[BookChanged] = shard.book_snapshots() if shard.offset >= 0 else []
        self._outputs = Outputs(shard.number, sent or {})
        self._reader = CommandReader(shard.investors, shard.symbols)

    def run(self, log: Sequence[Step], *, batch: int | None = None) -> Life:
        """Go on with a log from where this life is; `batch` commands at a time, else all at once."""
        first = self.shard.offset + 1
        size = batch or max(1, len(log))
        for start in range(first, len(log), size):
            self.shard.apply_all(
                self._reader.read(raw_records(log[start : start + size], start)), self._outputs.add
            )
            self.books += self.shard.take_book_changes()
            for topic, values in values_by_topic(self._outputs.take()).items():
                if topic in self.topics:
                    self.topics[topic] += values
        return self


def new_life(capacity: Capacity | None = CAPACITY) -> Life:
    """Begin with an empty market."""
    return Life(Shard(0, capacity))


def restored_life(
    state: ShardState, sent: Mapping[str, Identity] | None = None, capacity: Capacity | None = CAPACITY
) -> Life:
    """Begin with a state as it comes from where it was stored: bytes at any address."""
    stored = bytearray(b"?")
    places = []
    for buffer in state.buffers:
        places.append((len(stored), len(stored) + len(buffer)))
        stored += buffer.tobytes()
    view = memoryview(stored)
    read = ShardState.read(state.describe(), [view[start:end] for start, end in places])
    return Life(Shard.restored(read, capacity), sent)


def identity(value: bytes) -> Identity:
    """Read a record's identity."""
    fields = msgspec.json.decode(value)
    return fields["offset"], fields["index"]


def last_identities(topics: Topics) -> dict[str, Identity]:
    """Give what a starting engine finds on its output topics."""
    return {topic: max(map(identity, values), default=NOTHING) for topic, values in topics.items()}


class FollowedBooks:
    """The books as a reader of `book` has them, held against what they were after each command.

    Parameters
    ----------
    truth : sequence of mapping
        For each offset, every symbol's levels.
    """

    def __init__(self, truth: Sequence[Mapping[str, Levels]]) -> None:
        self._truth = truth
        self._levels: dict[str, tuple[dict[int, Level], dict[int, Level]]] = {}
        self._offsets: dict[str, int] = {}

    def follow(self, changes: Iterable[BookChanged]) -> None:
        """Take in records, checking each symbol's chain and its book at the offset that each names."""
        for change in changes:
            symbol = change.symbol
            if change.snapshot:
                self._levels[symbol] = ({}, {})
            else:
                assert change.previous_offset == self._offsets[symbol]
            self._offsets[symbol] = change.offset
            for levels, changed in zip(self._levels[symbol], (change.bids, change.asks), strict=True):
                for level in changed:
                    levels.pop(level.price_units, None)
                    if level.quantity:
                        levels[level.price_units] = level
            bids, asks = self._levels[symbol]
            found = (
                tuple(sorted(bids.values(), key=lambda level: -level.price_units)),
                tuple(sorted(asks.values(), key=lambda level: level.price_units)),
            )
            assert found == self._truth[change.offset][symbol], (symbol, change.offset)


def books_after_each(log: Sequence[Step], capacity: Capacity | None = CAPACITY) -> list[dict[str, Levels]]:
    """Run a log command by command, and give every symbol's whole book after each."""
    life, books = new_life(capacity), []
    for end in range(1, len(log) + 1):
        life.run(log[:end])
        snapshots = life.shard.book_snapshots()
        books.append({book.symbol: (book.bids, book.asks) for book in snapshots})
    return books
