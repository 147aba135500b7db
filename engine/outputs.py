"""What a batch of commands sends out: records by topic, less those that were sent before a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from engine.domain import AccountChanged, AssetChanged, BookChanged, Event, Execution, Trade
from engine.topics import ACCOUNTS, ASSETS, BOOK, EXECUTIONS, TRANSACTIONS
from engine.wire.records import (
    Stamp,
    account_record,
    asset_record,
    book_record,
    encode,
    execution_record,
    transaction_record,
)

Identity: TypeAlias = tuple[int, int]
"""The offset of the command that caused a record, and the record's place among its outputs on the topic."""


class OutputRecord(NamedTuple):
    """A record for an output topic."""

    key: bytes
    value: bytes
    time_ms: int


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
        self._already_sent = dict(already_sent)
        self._records: dict[str, list[OutputRecord]] = {}

    def add(self, events: Iterable[Event], *, offset: int, time_ms: int) -> None:
        """Collect what one command caused."""
        stamp = Stamp(self._shard, offset, time_ms)
        counts: dict[str, int] = {}
        for event in events:
            topic, key_field, record = _ROUTES[type(event)]
            index = counts.get(topic, 0)
            counts[topic] = index + 1
            sent = self._already_sent.get(topic)
            if sent is None or (offset, index) > sent:
                key = getattr(event, key_field).encode()
                value = encode(record(event, stamp, index))
                self._records.setdefault(topic, []).append(OutputRecord(key, value, time_ms))

    def add_books(self, changes: Iterable[BookChanged]) -> int:
        """Collect changed price levels; give the count of records."""
        records = [
            OutputRecord(change.symbol.encode(), encode(book_record(change, self._shard)), change.time_ms)
            for change in changes
        ]
        self._records.setdefault(BOOK, []).extend(records)
        return len(records)

    def take(self) -> dict[str, list[OutputRecord]]:
        """Give the collected records by topic, each topic's in order."""
        records, self._records = self._records, {}
        return records


# By type of event: its topic, the field that keys its record, and what makes the record.
_ROUTES: dict[type[Event], tuple[str, str, Callable[[Any, Stamp, int], object]]] = {
    Trade: (TRANSACTIONS, "symbol", transaction_record),
    Execution: (EXECUTIONS, "investor_id", execution_record),
    AccountChanged: (ACCOUNTS, "investor_id", account_record),
    AssetChanged: (ASSETS, "symbol", asset_record),
}
