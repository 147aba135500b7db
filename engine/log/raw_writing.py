"""Appending batches that are encoded already, several requests under way: for the engine."""

from __future__ import annotations

import asyncio
import struct
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Self

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError, RequestTimedOutError, for_code
from aiokafka.protocol.produce import ProduceRequest_v7
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.structs import TopicPartition

from engine.log.connection import SILENCE_MAX_MS, Connection, end_tasks, stop_client
from engine.log.sealing import EncodedRecords, ProducerState, seal, sealed_size

UNDER_WAY_MAX: Final = 4
"""Requests that wait for Kafka at most; of five and fewer it knows whether they come in order."""

_ALL_REPLICAS: Final = -1
_NO_TRANSACTION: Final = -1
_NEVER_IDLE_MS: Final = 2**31 - 1
_RETRY_S: Final = 0.1
_SEQUENCE_END: Final = 2**31
_BODY: Final = struct.Struct(">hhii")  # no transaction, acknowledgements, timeout, count of topics
_PARTITION: Final = struct.Struct(">iii")  # count of partitions, the partition, bytes of its batch


class RawWriter:
    """Appends to one partition of several topics, in order, without waiting for each request.

    Nothing is sent twice: the first request that fails ends the writer, and Kafka refuses what comes behind
    it, since the producer's sequence then has a gap. So what is kept of a partition is always a first part of
    what was sent, and who sends begins anew from what is kept. Only of a producer that has nothing in a
    partition yet would Kafka take any sequence; a topic's first batch therefore has none behind it.

    Parameters
    ----------
    topics : sequence of str
        All topics that will be written to.
    partition : int
        The same of each.

    References
    ----------
    The Kafka protocol's "Produce" and KIP-98, "Exactly Once Delivery and Transactional Messaging".
    """

    def __init__(self, connection: Connection, topics: Sequence[str], partition: int) -> None:
        # A connection that was let go for idleness would be made anew unnoticed, between two requests.
        self._client = AIOKafkaClient(**connection.options(), connections_max_idle_ms=_NEVER_IDLE_MS)
        self._topics = tuple(topics)
        self._partition = partition
        self._leaders: dict[str, int] = {}
        self._producer_id = self._producer_epoch = -1
        self._next_sequence = dict.fromkeys(topics, 0)
        self._begun = set[str]()
        self._under_way: deque[asyncio.Task[None]] = deque()
        self._failure: KafkaError | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._client.bootstrap()
            await self._client.set_topics(self._topics)
            self._leaders = {topic: self._leader_of(topic) for topic in self._topics}
            await self._introduce()
        except (KafkaError, asyncio.CancelledError):
            await stop_client(self._client.close)
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await end_tasks(*self._under_way)
        await stop_client(self._client.close)

    @property
    def under_way(self) -> Sequence[asyncio.Task[None]]:
        """The requests that Kafka has not answered, the oldest first."""
        while self._under_way and self._under_way[0].done():
            self._under_way.popleft()
        return self._under_way

    def wait_before(self, topics: Iterable[str]) -> asyncio.Task[None] | None:
        """Give the request whose end is to be waited for before the next batches of some topics, if any."""
        under_way = self.under_way
        is_first = not self._begun.issuperset(topics)
        return under_way[0] if under_way and (is_first or len(under_way) >= UNDER_WAY_MAX) else None

    def check(self) -> None:
        """Raise what a request has failed with, if one has.

        Raises
        ------
        LogError
            When Kafka is away, has not answered for a while, or refused something.
        """
        if self._failure is not None:
            raise self._failure

    def begin(self, batches: Mapping[str, EncodedRecords]) -> None:
        """Begin to append a batch to each of some topics; their bytes are copied before this returns.

        Parameters
        ----------
        batches : mapping of str to EncodedRecords
            Each at most what the broker takes as one batch: 1 MiB unless it was told otherwise.

        Raises
        ------
        LogError
            When an earlier request has failed.
        """
        self.check()
        assert self.wait_before(batches) is None
        for leader in {self._leaders[topic] for topic in batches}:
            led = {topic: batch for topic, batch in batches.items() if self._leaders[topic] == leader}
            request = _Produce(self._body(led))
            self._under_way.append(asyncio.create_task(self._ask(leader, request)))

    def _body(self, batches: Mapping[str, EncodedRecords]) -> bytearray:
        names = {topic: topic.encode() for topic in batches}
        size = _BODY.size + sum(
            2 + len(names[topic]) + _PARTITION.size + sealed_size(batch) for topic, batch in batches.items()
        )
        body = bytearray(size)
        _BODY.pack_into(body, 0, _NO_TRANSACTION, _ALL_REPLICAS, SILENCE_MAX_MS, len(batches))
        at = _BODY.size
        for topic, batch in batches.items():
            name = names[topic]
            struct.pack_into(f">h{len(name)}s", body, at, len(name), name)
            at += 2 + len(name)
            end = at + _PARTITION.size + sealed_size(batch)
            _PARTITION.pack_into(body, at, 1, self._partition, sealed_size(batch))
            seal(batch, self._count(topic, batch.count), memoryview(body)[at + _PARTITION.size : end])
            at = end
        return body

    def _count(self, topic: str, records: int) -> ProducerState:
        sequence = self._next_sequence[topic]
        self._next_sequence[topic] = (sequence + records) % _SEQUENCE_END
        return ProducerState(self._producer_id, self._producer_epoch, sequence)

    async def _ask(self, leader: int, request: _Produce) -> None:
        try:
            # Connecting may take a while, in which an earlier request may have failed.
            if not await self._client.ready(leader):
                raise KafkaConnectionError("Kafka cannot be reached")
            self.check()
            response = await self._client.send(leader, request)
            for topic, partitions in response.topics:
                for partition, code, *_ in partitions:
                    if code:
                        raise for_code(code)(f"{topic}, partition {partition}")
                self._begun.add(topic)
        except RequestTimedOutError:
            self._fail(KafkaConnectionError(f"Kafka has not answered for {SILENCE_MAX_MS / 1_000:.0f} s"))
        except KafkaError as error:
            self._fail(error)

    def _fail(self, error: KafkaError) -> None:
        self._failure = self._failure or error

    def _leader_of(self, topic: str) -> int:
        leader = self._client.cluster.leader_for_partition(TopicPartition(topic, self._partition))
        if leader is None or leader == -1:
            raise KafkaConnectionError(f"{topic}, partition {self._partition}, has no leader")
        return int(leader)

    async def _introduce(self) -> None:
        """Get a number of its own, by which Kafka tells this writer's batches from others'."""
        request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=-1)
        give_up_s = time.monotonic() + SILENCE_MAX_MS / 1_000
        while True:
            response = await self._client.send(next(iter(self._leaders.values())), request)
            if not response.error_code:
                break
            error = for_code(response.error_code)("Kafka gives the writer no number")
            # A broker that has only just started has none to give yet.
            if not error.retriable or time.monotonic() > give_up_s:
                raise error
            await asyncio.sleep(_RETRY_S)
        self._producer_id, self._producer_epoch = response.producer_id, response.producer_epoch


class _Produce(ProduceRequest_v7):  # type: ignore[misc]
    """A request whose body is encoded already, and so is copied less often than one of aiokafka's own.

    Every Kafka since 2.1 knows this version of it.
    """

    def __init__(self, body: bytearray) -> None:
        super().__init__()
        self._content = body

    def prepare(self, _versions: Mapping[int, tuple[int, int]]) -> Self:
        """Be what is sent, whatever else the broker would know."""
        return self

    def encode(self) -> bytearray:
        """Give the body."""
        return self._content
