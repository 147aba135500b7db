"""The log: Kafka's topics read from a position and written in order. The one module that knows aiokafka.

Nothing here joins a consumer group or commits an offset: every reader says where it starts. Writers are
idempotent and wait for all replicas.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Self, TypeAlias

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError
from msgspec import Struct

from engine.topics import TOPIC_SETTINGS

LogError: TypeAlias = KafkaError
"""What reading and writing raise when the broker is away or refuses; trying again may help."""

_REQUEST_TIMEOUT_MS = 10_000
_STOP_TIMEOUT_S = 5.0
_SILENCE_MAX_MS = 10_000
_BATCH_BYTES_MAX = 512 * 1024
_REQUEST_BYTES_MAX = 1024 * 1024


class Connection(Struct, frozen=True, kw_only=True):
    """Where Kafka is and how to speak to it."""

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = None
    ssl_ca_file: str | None = None
    ssl_cert_file: str | None = None
    ssl_key_file: str | None = None

    def options(self) -> dict[str, Any]:
        """Give the arguments that every aiokafka client takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
            "request_timeout_ms": _REQUEST_TIMEOUT_MS,
        }
        if self.security_protocol.startswith("SASL"):
            options |= {
                "sasl_mechanism": self.sasl_mechanism or "PLAIN",
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password,
            }
        if self.security_protocol.endswith("SSL"):
            context = ssl.create_default_context(cafile=self.ssl_ca_file)
            if self.ssl_cert_file:
                context.load_cert_chain(self.ssl_cert_file, self.ssl_key_file)
            options["ssl_context"] = context
        return options


class LogRecord(NamedTuple):
    """A record as it stands in a topic."""

    topic: str
    partition: int
    offset: int
    time_ms: int
    key: bytes | None
    value: bytes | None


class NewRecord(NamedTuple):
    """A record to append; without `time_ms` it carries the present time."""

    key: bytes | None
    value: bytes
    time_ms: int | None = None


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
            await _stop(self._consumer)
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await _stop(self._consumer)

    async def first_offset(self, topic: str, partition: int) -> int:
        """Give the offset of the oldest record kept."""
        return await self._offset_of(self._consumer.beginning_offsets, topic, partition)

    async def end_offset(self, topic: str, partition: int) -> int:
        """Give the offset that the next record will get."""
        return await self._offset_of(self._consumer.end_offsets, topic, partition)

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
        if silence_ms > _SILENCE_MAX_MS:
            raise KafkaConnectionError(f"Kafka has not answered for {silence_ms / 1_000:.0f} s")

    @staticmethod
    async def _offset_of(lookup: Any, topic: str, partition: int) -> int:
        at = TopicPartition(topic, partition)
        return int((await lookup([at]))[at])


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
            "max_batch_size": _BATCH_BYTES_MAX,
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
            await _stop(self._producer)
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
                topic, record.value, key=record.key, partition=partition, timestamp_ms=record.time_ms
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
            waiting: list[asyncio.Future[Any]] = []
            batch = producer.create_batch()
            for record in records:
                if _put(batch, record):
                    continue
                waiting.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                # A batch takes any first record; whether it is too large is the broker's to say.
                _put(batch, record)
            if batch.record_count():
                waiting.append(await producer.send_batch(batch, topic, partition=partition))
            await asyncio.gather(*waiting)

    @asynccontextmanager
    async def _appending(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = await self._usable()
        try:
            yield producer
        except KafkaError:
            if self._producer == producer:
                self._producer = None
            await _stop(producer)
            raise

    async def _usable(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(**self._options)
                try:
                    await producer.start()
                except (KafkaError, asyncio.CancelledError):
                    await _stop(producer)
                    raise
                self._producer = producer
            return self._producer


async def _stop(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await client.stop()
    except TimeoutError:
        # A producer sends what it still has first, and while Kafka is away it would try for ever.
        return
    except asyncio.CancelledError:
        # aiokafka ends its own tasks by cancelling them, and where one waited to try again lets that out.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise


def _now_ms() -> int:
    return int(time.time() * 1_000)


def _put(batch: Any, record: NewRecord) -> bool:
    return batch.append(key=record.key, value=record.value, timestamp=record.time_ms) is not None


@asynccontextmanager
async def _admin(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**connection.options())
    try:
        await client.start()
        yield client
    finally:
        await client.close()


async def make_topics(connection: Connection, *, shards: int, replicas: int = 1) -> None:
    """Make the market's topics where they do not exist; those that do are left as they are."""
    async with _admin(connection) as admin:
        missing = set(TOPIC_SETTINGS) - set(await admin.list_topics())
        for name in sorted(missing):
            settings: dict[str, str] = dict(TOPIC_SETTINGS[name])
            topic = NewTopic(name, num_partitions=shards, replication_factor=replicas, topic_configs=settings)
            try:
                await admin.create_topics([topic])
            except TopicAlreadyExistsError:
                continue


async def missing_topics(connection: Connection, names: Iterable[str] = TOPIC_SETTINGS) -> set[str]:
    """Tell which of the market's topics the broker does not have yet; raises `LogError` when it is away."""
    async with _admin(connection) as admin:
        return set(names) - set(await admin.list_topics())
