"""The plain process that the engine is measured beside: reads JSON records, decodes, encodes and writes them.

It does what any Python service between two topics must, in the fastest plain way that aiokafka has: what a
fetch brought at once, whole batches out, and the next records are worked on while the last are on their way.
The one module of the benchmarks that knows aiokafka.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from engine.log import Connection

IN_TOPIC: Final = "bench-in"
OUT_TOPIC: Final = "bench-out"

_FETCH_BYTES_MAX: Final = 4 * 1024 * 1024
_BATCH_BYTES_MAX: Final = 512 * 1024
_POLL_MS: Final = 500


async def make_passthrough_topics(connection: Connection) -> None:
    """Make the topics that the pass-through copies between."""
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        topics = [NewTopic(name, num_partitions=1, replication_factor=1) for name in (IN_TOPIC, OUT_TOPIC)]
        await admin.create_topics(topics)
    finally:
        await admin.close()


async def _copy(connection: Connection, ready: Path) -> None:
    consumer = AIOKafkaConsumer(
        **connection.options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_uncommitted",
        max_partition_fetch_bytes=_FETCH_BYTES_MAX,
        check_crcs=True,
    )
    producer = AIOKafkaProducer(
        **connection.options(),
        acks="all",
        enable_idempotence=True,
        compression_type=None,
        linger_ms=0,
        max_batch_size=_BATCH_BYTES_MAX,
    )
    source = TopicPartition(IN_TOPIC, 0)
    async with consumer, producer:
        consumer.assign([source])
        consumer.seek(source, 0)
        await asyncio.to_thread(ready.touch)
        sending: list[asyncio.Future[Any]] = []
        while True:
            found = await consumer.getmany(timeout_ms=_POLL_MS)
            if records := found.get(source):
                batches = _batches(producer, records)
                await asyncio.gather(*sending)
                sending = [await producer.send_batch(batch, OUT_TOPIC, partition=0) for batch in batches]


def _batches(producer: AIOKafkaProducer, records: Sequence[Any]) -> list[Any]:
    batches = [producer.create_batch()]
    for record in records:
        value = _encode(_decode(record.value))
        if batches[-1].append(key=record.key, value=value, timestamp=None) is None:
            batches.append(producer.create_batch())
            batches[-1].append(key=record.key, value=value, timestamp=None)
    return batches


_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


if __name__ == "__main__":
    uvloop.run(_copy(Connection(bootstrap_servers=sys.argv[1]), Path(sys.argv[2])))
