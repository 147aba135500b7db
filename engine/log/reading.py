"""Reading records as Python objects: for what needs a few, or many of many topics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from engine.log.connection import SILENCE_MAX_MS, Connection, stop_client


class LogRecord(NamedTuple):
    """A record as it stands in a topic."""

    topic: str
    partition: int
    offset: int
    time_ms: int
    key: bytes | None
    value: bytes | None


class LogReader:
    """Reads partitions of topics, each from a position of the caller's choice."""

    def __init__(self, connection: Connection) -> None:
        self._consumer = AIOKafkaConsumer(
            **connection.options(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_uncommitted",
            fetch_max_wait_ms=500,
            max_partition_fetch_bytes=4 * 1024 * 1024,
            check_crcs=True,
        )
        self._heard_ms = _now_ms()

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
        except (KafkaError, asyncio.CancelledError):
            await stop_client(self._consumer.stop)
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await stop_client(self._consumer.stop)

    async def first_offset(self, topic: str, partition: int) -> int:
        """Give the offset of the oldest record kept."""
        return await self._offset_of(self._consumer.beginning_offsets, topic, partition)

    async def end_offset(self, topic: str, partition: int) -> int:
        """Give the offset that the next record will get."""
        return await self._offset_of(self._consumer.end_offsets, topic, partition)

    async def first_offsets(self, topics: Collection[str], partition: int) -> dict[str, int]:
        """Give the offsets of the oldest records kept of several topics, by one question."""
        return await self._offsets_of(self._consumer.beginning_offsets, topics, partition)

    async def end_offsets(self, topics: Collection[str], partition: int) -> dict[str, int]:
        """Give the offsets that the next records will get of several topics, by one question.

        A question may wait for as long as a fetch of the same reader does: half a second.
        """
        return await self._offsets_of(self._consumer.end_offsets, topics, partition)

    async def offset_at(self, topic: str, partition: int, time_ms: int) -> int:
        """Give the offset of the first record that is not older than a time; the end when all are."""
        at = TopicPartition(topic, partition)
        found = (await self._consumer.offsets_for_times({at: time_ms}))[at]
        return await self.end_offset(topic, partition) if found is None else int(found.offset)

    def start(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Say what to read: the next offset for each (topic, partition)."""
        self._consumer.assign([TopicPartition(*at) for at in positions])
        for at, offset in positions.items():
            self._consumer.seek(TopicPartition(*at), offset)
        self._heard_ms = _now_ms()

    async def position(self, topic: str, partition: int) -> int:
        """Give the offset that will be read next."""
        return int(await self._consumer.position(TopicPartition(topic, partition)))

    async def read(self, *, wait_ms: int, records_max: int | None = None) -> list[LogRecord]:
        """Read what there is, in each partition's order; nothing when `wait_ms` passed without a record.

        Raises
        ------
        LogError
            When Kafka has not answered for a while: aiokafka itself would wait for it in silence.
        """
        found = await self._consumer.getmany(timeout_ms=wait_ms, max_records=records_max)
        if not found:
            self._check_heard()
        return [
            LogRecord(
                record.topic, record.partition, record.offset, record.timestamp, record.key, record.value
            )
            for records in found.values()
            for record in records
        ]

    def _check_heard(self) -> None:
        answers_ms = [self._consumer.last_poll_timestamp(at) or 0 for at in self._consumer.assignment()]
        silence_ms = _now_ms() - max([self._heard_ms, *answers_ms])
        if silence_ms > SILENCE_MAX_MS:
            raise KafkaConnectionError(f"Kafka has not answered for {silence_ms / 1_000:.0f} s")

    @staticmethod
    async def _offset_of(lookup: Any, topic: str, partition: int) -> int:
        at = TopicPartition(topic, partition)
        return int((await lookup([at]))[at])

    @staticmethod
    async def _offsets_of(lookup: Any, topics: Collection[str], partition: int) -> dict[str, int]:
        found = await lookup([TopicPartition(topic, partition) for topic in topics])
        return {at.topic: int(offset) for at, offset in found.items()}


async def read_between(
    connection: Connection, topic: str, partition: int, start: int, end: int
) -> AsyncIterator[list[LogRecord]]:
    """Read a partition from one offset to before another, in batches, then stop."""
    if start >= end:
        return
    async with LogReader(connection) as reader:
        reader.start({(topic, partition): start})
        while await reader.position(topic, partition) < end:
            batch = [record for record in await reader.read(wait_ms=1_000) if record.offset < end]
            if batch:
                yield batch


def _now_ms() -> int:
    return int(time.time() * 1_000)
