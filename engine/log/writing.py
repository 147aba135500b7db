"""Appending to topics, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from engine.log.connection import Connection, stop_client
from engine.log.sealing import BATCH_BYTES_MAX

_REQUEST_BYTES_MAX = 1024 * 1024


class NewRecord(NamedTuple):
    """A record to append; without `time_ms` it carries the present time.

    Headers are names and values that are kept beside the record, for people who look for it.
    """

    key: bytes | None
    value: bytes
    time_ms: int | None = None
    headers: Sequence[tuple[str, bytes]] = ()


class LogWriter:
    """Appends records; those of one partition keep the order of the calls. Connects when first used.

    A record that the broker refuses leaves a gap in the sequence that an idempotent producer counts, after
    which Kafka takes nothing more from it. So a producer that has failed is replaced before the next append.
    """

    def __init__(self, connection: Connection) -> None:
        self._options = {
            **connection.options(),
            "acks": "all",
            "enable_idempotence": True,
            "compression_type": None,
            "linger_ms": 0,
            "max_batch_size": BATCH_BYTES_MAX,
            "max_request_size": _REQUEST_BYTES_MAX,
        }
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._usable()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Send what is under way, unless Kafka is away, and disconnect."""
        if self._producer is not None:
            await stop_client(self._producer.stop)
            self._producer = None

    async def append(self, topic: str, record: NewRecord, *, partition: int = 0) -> int:
        """Append a record and wait until it is kept.

        Returns
        -------
        int
            The record's offset.

        Raises
        ------
        LogError
            When the broker refused it. While Kafka is away this waits; a caller that gives up knows nothing
            of the record's fate.
        """
        async with self._appending() as producer:
            sent = await producer.send_and_wait(
                topic,
                record.value,
                key=record.key,
                partition=partition,
                timestamp_ms=record.time_ms,
                headers=list(record.headers),
            )
        return int(sent.offset)

    async def append_all(self, topic: str, records: Sequence[NewRecord], *, partition: int = 0) -> None:
        """Append records, in order, and wait until all are kept, however long Kafka is away.

        Raises
        ------
        LogError
            When the broker refused a record.
        """
        async with self._appending() as producer:
            await _send_in_order(producer, topic, partition, _filled(producer, records))

    @asynccontextmanager
    async def _appending(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = await self._usable()
        try:
            yield producer
        except KafkaError:
            if self._producer == producer:
                self._producer = None
            await stop_client(producer.stop)
            raise

    async def _usable(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(**self._options)
                try:
                    await producer.start()
                except (KafkaError, asyncio.CancelledError):
                    await stop_client(producer.stop)
                    raise
                self._producer = producer
            return self._producer


async def _send_in_order(
    producer: AIOKafkaProducer, topic: str, partition: int, batches: Iterable[Any]
) -> None:
    sent: list[asyncio.Future[Any]] = []
    for batch in batches:
        future = await producer.send_batch(batch, topic, partition=partition)
        # Where a later batch cannot even be handed over, nobody waits for this one any more.
        future.add_done_callback(_look_at)
        sent.append(future)
    await asyncio.gather(*sent)


def _look_at(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


def _filled(producer: AIOKafkaProducer, records: Iterable[NewRecord]) -> Iterator[Any]:
    """Put records into as few batches as they fit."""
    batch = producer.create_batch()
    for record in records:
        if _put(batch, record):
            continue
        yield batch
        batch = producer.create_batch()
        # A batch takes any first record; whether it is too large is the broker's to say.
        _put(batch, record)
    if batch.record_count():
        yield batch


def _put(batch: Any, record: NewRecord) -> bool:
    appended = batch.append(
        key=record.key, value=record.value, timestamp=record.time_ms, headers=list(record.headers)
    )
    return appended is not None
