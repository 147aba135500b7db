"""Kafka in memory, as far as the engine's service asks it: for lives that end at any step of a seed's choice.

It stands behind the engine's own readers and writers, in the place of aiokafka's clients. A request waits for
a while before it is taken in, in order; when the engine dies, some of those that wait are taken in yet. Of a
producer that it knows it refuses what does not follow on what it has, as the real one does.
"""

from __future__ import annotations

import asyncio
import struct
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple, Self

from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.transaction import InitProducerIdRequest

from engine.batches import parse_batches, survey_batches
from engine.log import LogRecord
from engine.log.sealing import batch_bytes, frame
from engine.snapshot_store import Snapshot
from engine.topics import ORDERS, OUTPUT_TOPICS
from tests.simulation.lives import order_record
from tests.strategies import Step

_REFUSED = 19  # not enough replicas
_OUT_OF_ORDER = 45
_PATIENCE_MAX = 60
_PIECE_MAX = 30
_PRODUCER = struct.Struct(">qhi")  # of a batch's header: id, epoch, sequence
_PRODUCER_AT = 43


class _Batch(NamedTuple):
    topic: str
    producer: int
    sequence: int
    values: list[bytes]


class _Request(NamedTuple):
    batches: list[_Batch]
    codes: list[tuple[str, int]]


class MemoryKafka:
    """The topics of one market, and when its engine dies.

    Parameters
    ----------
    log : sequence of Step
        What `orders` has in the end; it grows while it is read.
    dice : Random
        How much a fetch brings, how long a request waits, which one is refused.
    refuses : float
        How probably a batch is refused.

    Attributes
    ----------
    values : dict of str to list of bytes
        What each output topic has.
    snapshots : list of Snapshot
        Those that were saved, oldest first.
    complaints : list of str
        What the engine should not have asked.
    died : asyncio.Event
        Set at the step at which the engine's life ends.
    """

    def __init__(self, log: Sequence[Step], dice: Random, *, refuses: float = 0.0) -> None:
        self.values: dict[str, list[bytes]] = {topic: [] for topic in OUTPUT_TOPICS}
        self.snapshots: list[Snapshot] = []
        self.complaints: list[str] = []
        self.died = asyncio.Event()
        self.end = dice.randrange(len(log) // 4)
        self._log = log
        self._dice = dice
        self._refuses = refuses
        self._steps_left = 0
        self._producers = 0
        self._expected: dict[tuple[int, str], int] = {}
        self._waiting: deque[_Request] = deque()

    def begin_life(self, steps: int) -> None:
        """Let an engine come that dies after so many questions."""
        self.died.clear()
        self._steps_left = steps

    def end_life(self) -> int:
        """Take in some of what the dead engine had sent, and forget the rest; gives how much that was."""
        waiting = len(self._waiting)
        for _ in range(self._dice.randint(0, waiting)):
            self._take_in(self._waiting.popleft())
        self._waiting.clear()
        return waiting

    def refuse_no_more(self) -> None:
        """Take in all that comes, from now on."""
        self._refuses = 0.0

    async def step(self) -> None:
        """Count a question; the one at which the engine dies has no answer."""
        self._steps_left -= 1
        if self._steps_left <= 0:
            self.died.set()
        await self._live_on()

    async def _live_on(self) -> None:
        if self.died.is_set():
            await asyncio.Event().wait()

    def client(self, **_options: object) -> _Client:
        """Stand for `AIOKafkaClient`."""
        return _Client(self)

    async def fetch(self, offset: int) -> tuple[int, bytes]:
        """Give the end of `orders`, and some of its records from an offset on."""
        await self.step()
        if offset == self.end:
            if self.end == len(self._log):
                await asyncio.Event().wait()
            self.end = min(len(self._log), self.end + self._dice.randint(1, _PIECE_MAX))
        piece = self._log[offset : min(self.end, offset + self._dice.randint(1, _PIECE_MAX))]
        (batch,) = frame((b"", order_record(step.command), step.time_ms) for step in piece)
        content = bytearray(batch_bytes(batch))
        content[:8] = offset.to_bytes(8, "big")
        return self.end, bytes(content)

    async def produce(self, body: bytes) -> list[tuple[str, int]]:
        """Take in a request's batches, behind those of earlier requests; gives a code for each topic."""
        await self.step()
        request = _Request(list(_batches(body)), [])
        self._waiting.append(request)
        for _ in range(self._dice.randint(0, _PATIENCE_MAX)):
            await asyncio.sleep(0)
            await self._live_on()
        while request in self._waiting:
            self._take_in(self._waiting.popleft())
        await self.step()
        return request.codes

    def give_producer_id(self) -> int:
        """Give a number that no other producer has."""
        self._producers += 1
        return self._producers

    def _take_in(self, request: _Request) -> None:
        request.codes.extend((batch.topic, self._take_in_one(batch)) for batch in request.batches)

    def _take_in_one(self, batch: _Batch) -> int:
        by = batch.producer, batch.topic
        if self._expected.get(by, batch.sequence) != batch.sequence:
            return _OUT_OF_ORDER
        if self._dice.random() < self._refuses:
            return _REFUSED
        self._expected[by] = batch.sequence + len(batch.values)
        self.values[batch.topic] += batch.values
        return 0


class _Client:
    """A client of aiokafka's, for what the engine's reader and writer ask."""

    def __init__(self, kafka: MemoryKafka) -> None:
        self._kafka = kafka
        self.cluster = SimpleNamespace(leader_for_partition=lambda _at: 0)

    async def bootstrap(self) -> None:
        """Connect."""

    async def close(self) -> None:
        """Disconnect."""

    def set_topics(self, _topics: object) -> asyncio.Future[bool]:
        """Get to know topics."""
        known = asyncio.get_running_loop().create_future()
        known.set_result(True)
        return known

    async def ready(self, _leader: int) -> bool:
        """Be connected."""
        return True

    async def send(self, _leader: int, request: Any) -> Any:
        """Ask."""
        match request:
            case InitProducerIdRequest():
                number = self._kafka.give_producer_id()
                return SimpleNamespace(error_code=0, producer_id=number, producer_epoch=0)
            case FetchRequest():
                ((topic, ((partition, offset, _),)),) = request.topics
                assert topic == ORDERS
                end, content = await self._kafka.fetch(offset)
                return SimpleNamespace(topics=[(topic, [(partition, 0, end, content)])])
            case _:
                codes = await self._kafka.produce(bytes(request.encode()))
                return SimpleNamespace(topics=[(topic, [(0, code)]) for topic, code in codes])


def _batches(body: bytes) -> Iterable[_Batch]:
    """Read a produce request."""
    *_, topics = struct.unpack_from(">hhii", body)
    at = 12
    for _ in range(topics):
        (length,) = struct.unpack_from(">h", body, at)
        topic = body[at + 2 : at + 2 + length].decode()
        at += 2 + length
        _, _, size = struct.unpack_from(">iii", body, at)
        content = body[at + 12 : at + 12 + size]
        at += 12 + size
        producer, _, sequence = _PRODUCER.unpack_from(content, _PRODUCER_AT)
        records = parse_batches(content, survey_batches(content))
        yield _Batch(topic, producer, sequence, [records.value(row) or b"" for row in range(len(records))])
    assert at == len(body)


class MemoryLogReader:
    """Stands for `LogReader` where a start looks around."""

    def __init__(self, kafka: MemoryKafka) -> None:
        self._kafka = kafka

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        pass

    async def first_offset(self, _topic: str, _partition: int) -> int:
        """Give the offset of the oldest record kept."""
        return 0

    async def end_offset(self, topic: str, _partition: int) -> int:
        """Give the offset that the next record will get."""
        await self._kafka.step()
        return self._kafka.end if topic == ORDERS else len(self._kafka.values[topic])

    async def between(self, topic: str, start: int, end: int) -> AsyncIterator[list[LogRecord]]:
        """Read a topic, as `read_between` does."""
        await self._kafka.step()
        for offset in range(start, end):
            yield [LogRecord(topic, 0, offset, 0, None, self._kafka.values[topic][offset])]


class MemorySnapshotStore:
    """Stands for `SnapshotStore`; a snapshot is there whole or not at all.

    Parameters
    ----------
    answered : mapping of str to list of int
        For each topic, the offsets of the commands that its records are of, in order: of a snapshot's own
        commands nothing may be missing when it is saved.
    """

    def __init__(self, kafka: MemoryKafka, answered: Mapping[str, Sequence[int]]) -> None:
        self._kafka = kafka
        self._answered = answered

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        pass

    async def save(
        self, offset: int, *, header: bytes, sizes: Sequence[int], pieces: Iterable[bytes], state_hash: str
    ) -> None:
        """Save one."""
        for topic, offsets in self._answered.items():
            missing = bisect_right(offsets, offset) - len(self._kafka.values[topic])
            if missing > 0:
                self._kafka.complaints.append(f"the snapshot of {offset} lacks {missing} records of {topic}")
        await self._kafka.step()
        content = memoryview(b"".join(pieces))
        parts: list[memoryview] = []
        for size in sizes:
            parts.append(content[:size])
            content = content[size:]
        assert not len(content)
        await self._kafka.step()
        self._kafka.snapshots.append(
            Snapshot(offset=offset, header=header, parts=tuple(parts), state_hash=state_hash)
        )

    async def load_newest(self) -> Snapshot | None:
        """Load the newest."""
        await self._kafka.step()
        return self._kafka.snapshots[-1] if self._kafka.snapshots else None
