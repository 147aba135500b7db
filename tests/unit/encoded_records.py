"""What the encoder sends, opened as Kafka's consumer opens it, and what it should be."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c

from engine import domain
from engine.events import EventRows, domain_events
from engine.kernel import layout
from engine.topics import ACCOUNTS, EXECUTIONS, TRANSACTIONS
from engine.wire import records
from engine.wire.encoding import ENCODED_TOPICS, EventEncoder, RecordBatch
from tests.unit.event_rows import Market

SHARD = 3
NOTHING_SENT = np.full((3, 2), -1, np.int64)


class SentRecord(NamedTuple):
    topic: str
    key: bytes
    value: bytes
    time_ms: int


def changed_asset(row: Any) -> domain.AssetChanged:
    return domain.AssetChanged(
        symbol="X",
        name="X",
        tick_size_units=1,
        lot_size=1,
        reference_price_units=1,
        price_band=None,
        maker_fee_ppm=0,
        taker_fee_ppm=0,
        phase=layout.PHASES[row["phase"]],
    )


def expected(rows: EventRows) -> list[SentRecord]:
    made = []
    counts: Counter[tuple[int, str]] = Counter()
    for command, event in domain_events(rows, changed_asset):
        offset, time_ms = int(rows.commands[command]["offset"]), int(rows.commands[command]["time_ms"])
        stamp = records.Stamp(SHARD, offset, time_ms)
        record: Any
        match event:
            case domain.Trade():
                topic, key, record = TRANSACTIONS, event.symbol, records.transaction_record
            case domain.Execution():
                topic, key, record = EXECUTIONS, event.investor_id, records.execution_record
            case domain.AccountChanged():
                topic, key, record = ACCOUNTS, event.investor_id, records.account_record
            case domain.AssetChanged():
                continue
        value = records.encode(record(event, stamp, counts[offset, topic]))
        counts[offset, topic] += 1
        made.append(SentRecord(topic, key.encode(), value, time_ms))
    return made


def opened(taken: dict[str, list[RecordBatch]]) -> list[SentRecord]:
    return [
        SentRecord(topic, record.key, record.value, record.timestamp)
        for topic, batches in taken.items()
        for batch in batches
        for record in _read(batch)
    ]


def _read(batch: RecordBatch) -> list[Any]:
    """Read a batch as aiokafka's consumer does, behind a header that says what the batch says."""
    times = (batch.first_time_ms, batch.max_time_ms)
    checked = struct.pack(">hiqqqhii", 0, batch.count - 1, *times, -1, -1, -1, batch.count) + batch.records
    sealed = struct.pack(">qiibI", 0, len(checked) + 9, -1, 2, calc_crc32c(checked)) + checked
    reader = MemoryRecords(sealed)
    opened = reader.next_batch()
    assert opened is not None and opened.validate_crc()
    read = list(opened)
    assert [record.offset for record in read] == list(range(batch.count))
    assert not reader.has_next()
    return read


def by_topic(made: Iterable[SentRecord]) -> dict[str, list[SentRecord]]:
    topics: dict[str, list[SentRecord]] = {topic: [] for topic in ENCODED_TOPICS}
    for record in made:
        topics[record.topic].append(record)
    return topics


def encoded(rows: EventRows) -> list[SentRecord]:
    encoder = EventEncoder(SHARD, NOTHING_SENT)
    encoder.encode(rows)
    return opened(encoder.take())


def check(market: Market) -> None:
    rows = market.rows()
    assert by_topic(encoded(rows)) == by_topic(expected(rows))
