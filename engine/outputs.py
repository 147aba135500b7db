"""What a batch of commands sends out: records by topic, less those that were sent before a restart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from msgspec import Struct

from engine.domain import BookChanged
from engine.shard import Happened
from engine.topics import ASSETS, BOOK
from engine.wire.encoding import ENCODED_TOPICS, EventEncoder, RecordBatch
from engine.wire.records import Stamp, asset_record, book_record, encode

Identity: TypeAlias = tuple[int, int]
"""The offset of the command that caused a record, and the record's place among its outputs on the topic."""

IDENTIFIED_TOPICS: Final = (*ENCODED_TOPICS, ASSETS)
"""The topics whose records say their identity, and are sent once."""
NOTHING: Final[Identity] = (-1, -1)


class OutputRecord(NamedTuple):
    """A record for an output topic."""

    key: bytes
    value: bytes
    time_ms: int


class OutputBatches(Struct, frozen=True):
    """Records on their way out, by topic, in order: the many encoded, the few as they are."""

    encoded: dict[str, list[RecordBatch]]
    plain: dict[str, list[OutputRecord]]

    def __bool__(self) -> bool:
        return any(self.encoded.values()) or any(self.plain.values())


class Outputs:
    """Collects the records of the commands applied since the last `take`.

    Parameters
    ----------
    shard : int
        The number that every record carries.
    already_sent : mapping of str to Identity
        The last identity on each output topic; records up to it are dropped.
    """

    def __init__(self, shard: int, already_sent: Mapping[str, Identity]) -> None:
        self._shard = shard
        self._assets_sent = already_sent.get(ASSETS, NOTHING)
        sent = [already_sent.get(topic, NOTHING) for topic in ENCODED_TOPICS]
        self._encoder = EventEncoder(shard, np.array(sent, np.int64))
        self._plain: dict[str, list[OutputRecord]] = {ASSETS: [], BOOK: []}

    def add(self, happened: Happened) -> None:
        """Collect what commands caused, as `Shard.apply_all` tells it."""
        self._encoder.encode(happened.rows, is_whole=happened.is_whole)
        for command, asset in happened.assets:
            row = happened.rows.commands[command]
            offset, time_ms = int(row["offset"]), int(row["time_ms"])
            # A command changes one asset at most, so the record's place is the first.
            if (offset, 0) > self._assets_sent:
                record = asset_record(asset, Stamp(self._shard, offset, time_ms), 0)
                self._plain[ASSETS].append(OutputRecord(asset.symbol.encode(), encode(record), time_ms))

    def add_books(self, changes: Iterable[BookChanged]) -> int:
        """Collect changed price levels; give the count of records."""
        records = [
            OutputRecord(change.symbol.encode(), encode(book_record(change, self._shard)), change.time_ms)
            for change in changes
        ]
        self._plain[BOOK] += records
        return len(records)

    def take(self) -> OutputBatches:
        """Give the collected records. The encoded ones' bytes are good until the next call."""
        plain = self._plain
        self._plain = {ASSETS: [], BOOK: []}
        return OutputBatches(self._encoder.take(), plain)
