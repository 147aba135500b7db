"""The service's whole loop beside a Kafka in memory: killed at any step, refused at any request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import pairwise
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from engine import recovery, service, snapshots
from engine.kernel.layout import Capacity
from engine.log import Connection, LogError, end_tasks, raw_reading, raw_writing
from engine.log.raw_reading import RawReader
from engine.log.sealing import EncodedRecords, frame
from engine.outputs import IDENTIFIED_TOPICS
from engine.progress import Report, State
from engine.shard import Shard
from engine.state import ShardState
from engine.topics import BOOK, EXECUTIONS
from engine.wire.records import BookRecord, decode_book
from tests.market import TIMEOUT_S
from tests.output_values import check_books
from tests.property.market import examples
from tests.simulation.lives import CAPACITY, Life, identity, new_life
from tests.simulation.logs import deep_log
from tests.simulation.memory_kafka import MemoryKafka, MemoryLogReader, MemorySnapshotStore
from tests.strategies import Step

_CONNECTION = Connection(bootstrap_servers="memory")
_EVERY = 100
_STEPS_MAX = 200
_NEVER = 10**9
_IDLE = 3
_BATCH_RECORDS = 2


@cache
def _log() -> list[Step]:
    return deep_log(seed=7, count=1_500)


@cache
def _clean() -> Life:
    return new_life().run(_log())


class _SmallShard(Shard):
    """A shard that is quicker to reserve than a real one."""

    def __init__(self, number: int, capacity: Capacity | None = None) -> None:
        super().__init__(number, capacity or CAPACITY)


class _CopiedState:
    """Stands for `FrozenState`: a copy, and no process of its own."""

    def __init__(self, state: ShardState) -> None:
        self._state = state.copied()

    async def thawed(self) -> _CopiedState:
        await asyncio.sleep(0)
        return self

    def __enter__(self) -> Any:
        state = self._state
        return SimpleNamespace(
            offset=state.offset,
            header=state.describe(),
            sizes=[len(buffer) for buffer in state.buffers],
            pieces=lambda: iter([buffer.tobytes() for buffer in state.buffers]),
        )

    def __exit__(self, *_error: object) -> None:
        pass


def _in_small_batches(records: Sequence[tuple[bytes, bytes, int]]) -> Iterator[EncodedRecords]:
    """Let what goes out at once be more than a request takes."""
    for start in range(0, len(records), _BATCH_RECORDS):
        yield from frame(records[start : start + _BATCH_RECORDS])


async def _at_once(work: Any, *arguments: Any) -> Any:
    """Stand for `asyncio.to_thread`, so that a seed has the same lives everywhere."""
    await asyncio.sleep(0)
    return work(*arguments)


def _kafka(patch: pytest.MonkeyPatch, seed: int, *, refuses: float = 0.0) -> MemoryKafka:
    """Give a Kafka in memory, and let the service find it."""
    kafka = MemoryKafka(_log(), Random(seed), refuses=refuses)
    answered = {
        topic: [identity(value)[0] for value in _clean().topics[topic]] for topic in IDENTIFIED_TOPICS
    }

    class Reader(RawReader):
        """Says when all is read, and the engine has come back in vain."""

        _in_vain = 0

        async def read(self, *, wait_ms: int) -> Any:
            records = await super().read(wait_ms=wait_ms)
            self._in_vain = self._in_vain + 1 if self.offset == len(_log()) and not len(records) else 0
            if self._in_vain == _IDLE:
                kafka.died.set()
            return records

    patch.setattr(service, "RawReader", Reader)
    patch.setattr(service, "SnapshotStore", lambda *_: MemorySnapshotStore(kafka, answered))
    patch.setattr(service, "_POLL_MS", 1)
    patch.setattr(service, "frame", _in_small_batches)
    patch.setattr(recovery, "LogReader", lambda _: MemoryLogReader(kafka))
    patch.setattr(
        recovery,
        "read_between",
        lambda _connection, topic, _number, start, end: MemoryLogReader(kafka).between(topic, start, end),
    )
    patch.setattr(recovery, "Shard", _SmallShard)
    patch.setattr(raw_reading, "AIOKafkaClient", kafka.client)
    patch.setattr(raw_writing, "AIOKafkaClient", kafka.client)
    patch.setattr(snapshots, "FrozenState", _CopiedState)
    patch.setattr(snapshots, "_APART_S", 0.0)
    patch.setattr(asyncio, "to_thread", _at_once)
    return kafka


def _ignore(_state: State, _detail: str) -> None:
    pass


class _OwnedUntil:
    """Stands for an `Ownership` that ends with an event."""

    def __init__(self, ended: asyncio.Event) -> None:
        self.lost = ended.wait


async def _live(kafka: MemoryKafka, *, steps: int, report: Report = _ignore) -> int:
    """Let an engine live for so many steps, or until all is done; gives the count of requests left."""
    kafka.begin_life(steps)
    serving = asyncio.create_task(service._serve(_CONNECTION, report, 0, _EVERY))
    dying = asyncio.create_task(kafka.died.wait())
    await asyncio.wait({serving, dying}, return_when=asyncio.FIRST_COMPLETED, timeout=TIMEOUT_S)
    assert serving.done() or dying.done(), "it neither dies nor gets done"
    if serving.done():
        with suppress(LogError):
            serving.result()
    await end_tasks(serving, dying)
    return kafka.end_life()


def _check(kafka: MemoryKafka) -> None:
    """Check that the topics hold what a clean run gives, each record once, and the snapshots its states."""
    assert kafka.complaints == []
    assert {topic: kafka.values[topic] for topic in IDENTIFIED_TOPICS} == _clean().topics
    check_books(kafka.values[BOOK], _clean().shard)
    _check_chains([decode_book(value) for value in kafka.values[BOOK]])
    life = new_life()
    for snapshot in sorted(kafka.snapshots, key=lambda snapshot: snapshot.offset):
        life.run(_log()[: snapshot.offset + 1])
        assert life.shard.digest() == snapshot.state_hash


def _check_chains(records: Sequence[BookRecord]) -> None:
    last: dict[str, int] = {}
    for record in records:
        assert record.snapshot or record.previous_offset == last[record.symbol]
        last[record.symbol] = record.offset


@pytest.mark.parametrize("seed", range(examples(3)))
async def test_killed_at_any_step_it_loses_nothing_and_repeats_nothing(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    kafka, dice = _kafka(monkeypatch, seed), Random(seed)
    left: list[int] = []
    while kafka.end < len(_log()):
        left.append(await _live(kafka, steps=dice.randint(1, _STEPS_MAX)))
    await _live(kafka, steps=_NEVER)
    assert any(left), "it had sent what Kafka did not have yet"
    assert len(kafka.snapshots) > 2
    _check(kafka)


@pytest.mark.parametrize("seed", range(examples(3)))
async def test_where_kafka_refuses_requests_it_begins_anew_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    kafka = _kafka(monkeypatch, seed, refuses=0.03)
    lives = 0
    while kafka.end < len(_log()):
        await _live(kafka, steps=_NEVER)
        lives += 1
    kafka.refuse_no_more()
    await _live(kafka, steps=_NEVER)
    assert lives > 2
    _check(kafka)


async def test_a_late_reader_finds_whole_books_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    every = 40
    monkeypatch.setattr(service, "_BOOKS_WHOLE_EVERY_RECORDS", every)
    kafka = _kafka(monkeypatch, seed=1)
    await _live(kafka, steps=_NEVER)
    _check(kafka)
    wholes = [place for place, value in enumerate(kafka.values[BOOK]) if decode_book(value).snapshot]
    between = [after - before for before, after in pairwise([*wholes, len(kafka.values[BOOK])])]
    assert len(wholes) > 10
    # A batch changes three symbols' books at most, and a whole book is not a change.
    assert max(between) <= every + 3
    assert sum(between) - len(between) > 5 * len(wholes), "most records tell changes"


async def test_an_engine_that_has_lost_its_shard_serves_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    kafka, lost = _kafka(monkeypatch, seed=2), asyncio.Event()
    kafka.begin_life(_NEVER)
    owning = asyncio.create_task(
        service._own(_CONNECTION, _OwnedUntil(lost), _ignore, 0, _EVERY)  # type: ignore[arg-type]
    )
    while not kafka.values[EXECUTIONS]:  # noqa: ASYNC110 - amid its work, and not some time after it
        await asyncio.sleep(0)
    lost.set()
    done = asyncio.create_task(kafka.died.wait())
    await asyncio.wait({owning, done}, return_when=asyncio.FIRST_COMPLETED, timeout=TIMEOUT_S)
    assert owning.done() and not done.done(), "it went on until all was done"
    await end_tasks(done)
    kafka.end_life()
    await _live(kafka, steps=_NEVER)
    _check(kafka)


async def test_an_owner_tells_what_it_broke_off_for(monkeypatch: pytest.MonkeyPatch) -> None:
    kafka, lost = _kafka(monkeypatch, seed=3, refuses=1.0), asyncio.Event()
    kafka.begin_life(_NEVER)
    async with asyncio.timeout(TIMEOUT_S):
        with pytest.raises(LogError):
            await service._own(_CONNECTION, _OwnedUntil(lost), _ignore, 0, _EVERY)  # type: ignore[arg-type]


async def test_it_says_that_it_is_ready_when_it_has_caught_up_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kafka, told = _kafka(monkeypatch, seed=4), list[tuple[State, str]]()
    monkeypatch.setattr(service, "_REPORT_EVERY_S", 0.0)
    caught_up_at = kafka.end
    await _live(kafka, steps=_NEVER, report=lambda state, detail: told.append((state, detail)))
    states = [state for state, _ in told]
    first = states.index(State.READY)
    assert set(states[:first]) == {State.STARTING}
    assert set(states[first:]) == {State.READY}
    assert int(told[first][1].split()[0].replace(",", "")) >= caught_up_at
