"""Which outputs a reader has already seen.

A restarted engine may repeat records, never change them (DESIGN, decision 4), so every reader of the
output topics passes what it reads through one of these and drops the repeats.
"""

from __future__ import annotations

from typing import Protocol

from engine.wire.records import BookRecord

_BEFORE_ALL = (-1, -1)


class Output(Protocol):
    """A record of an output topic, or as much of one as names it."""

    @property
    def shard(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def index(self) -> int: ...


class SeenOutputs:
    """Remembers the last identity of one output topic's records, by shard."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, int]] = {}

    def start(self, shard: int, offset: int, index: int) -> None:
        """Take a shard's records up to an identity, it included, as seen."""
        self._last[shard] = (offset, index)

    def is_new(self, record: Output) -> bool:
        """Tell whether a record was not seen before, and remember it. Cost O(1)."""
        identity = (record.offset, record.index)
        if identity <= self._last.get(record.shard, _BEFORE_ALL):
            return False
        self._last[record.shard] = identity
        return True


class SeenBooks:
    """Remembers the last offset of each symbol's book records."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def is_new(self, record: BookRecord) -> bool:
        """Tell whether a record was not seen before, and remember it. Cost O(1).

        A whole book counts as new where changes were seen up to its offset: a late reader begins with it.
        """
        last = self._last.get(record.symbol, -1)
        if record.offset < last or (record.offset == last and not record.snapshot):
            return False
        self._last[record.symbol] = record.offset
        return True
