"""When snapshots are taken: one at a time, once Kafka has kept all outputs, while the market goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from engine import snapshots
from engine.freezing import FreezingError, FrozenState
from engine.log import LogError
from engine.snapshots import Snapshots
from engine.state import ShardState
from tests.market import TIMEOUT_S
from tests.simulation.lives import Life, new_life, restored_life
from tests.simulation.logs import busy_log

_LOG = busy_log(seed=4, count=1_000)
_EVERY = 100


class _Kafka:
    """Stands for the topic: takes a snapshot once it is let."""

    def __init__(self) -> None:
        self.saved: list[tuple[int, str]] = []
        self.asked = asyncio.Event()
        self.takes = asyncio.Event()
        self.takes.set()
        self.settled = 0

    async def save(
        self, offset: int, *, header: bytes, sizes: Sequence[int], pieces: Iterable[Any], state_hash: str
    ) -> None:
        """Take it as the store would."""
        assert header
        assert sum(map(len, pieces)) == sum(sizes)
        self.asked.set()
        await self.takes.wait()
        self.saved.append((offset, state_hash))

    async def settle(self) -> None:
        """Keep all outputs."""
        await asyncio.sleep(0)
        self.settled += 1


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "_APART_S", 0.0)


def _snapshots(kafka: _Kafka, life: Life) -> Snapshots:
    return Snapshots(kafka, life.shard, every_commands=_EVERY)  # type: ignore[arg-type]


async def _taken(taking: Snapshots, kafka: _Kafka) -> None:
    await taking.take_when_due(kafka.settle)
    if taking._saving is not None:
        await taking._saving


async def test_every_so_many_commands_and_not_before() -> None:
    life, kafka = new_life(), _Kafka()
    async with _snapshots(kafka, life) as taking:
        digests = []
        for end in (_EVERY - 1, _EVERY, 2 * _EVERY - 1, 2 * _EVERY + 30, 3 * _EVERY + 29):
            life.run(_LOG[:end])
            digests.append((end - 1, life.shard.digest()))
            await _taken(taking, kafka)
    assert kafka.saved == [digests[1], digests[3]]


async def test_as_many_after_the_one_that_was_gone_on_from() -> None:
    life, kafka = restored_life(new_life().run(_LOG[: 3 * _EVERY]).shard.state()), _Kafka()
    async with _snapshots(kafka, life) as taking:
        for end in (4 * _EVERY - 1, 4 * _EVERY):
            life.run(_LOG[:end])
            await _taken(taking, kafka)
    assert kafka.saved == [(4 * _EVERY - 1, life.shard.digest())]


async def test_when_all_outputs_are_kept_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    life, kafka, settled_when_frozen = new_life(), _Kafka(), list[int]()

    def freeze(state: ShardState) -> FrozenState:
        settled_when_frozen.append(kafka.settled)
        return FrozenState(state)

    async def fail() -> None:
        raise LogError("an output was not kept")

    monkeypatch.setattr(snapshots, "FrozenState", freeze)
    async with _snapshots(kafka, life) as taking:
        life.run(_LOG[:_EVERY])
        with pytest.raises(LogError):
            await taking.take_when_due(fail)
        assert settled_when_frozen == []
        await _taken(taking, kafka)
    assert settled_when_frozen == [1]


async def test_one_at_a_time_while_the_market_goes_on() -> None:
    life, kafka = new_life(), _Kafka()
    kafka.takes.clear()
    async with _snapshots(kafka, life) as taking:
        digest = life.run(_LOG[:_EVERY]).shard.digest()
        await taking.take_when_due(kafka.settle)
        await asyncio.wait_for(kafka.asked.wait(), TIMEOUT_S)
        life.run(_LOG[: 3 * _EVERY])
        await taking.take_when_due(kafka.settle)
        assert kafka.settled == 1, "the market need not stand still for one that is not taken"
        kafka.takes.set()
        await _taken(taking, kafka)
        await _taken(taking, kafka)
    assert kafka.saved == [(_EVERY - 1, digest), (3 * _EVERY - 1, life.shard.digest())]


@pytest.mark.parametrize("trouble", [FreezingError("no room"), LogError("Kafka is away")])
async def test_one_that_came_to_nothing_is_followed_by_the_next(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    life, kafka = new_life(), _Kafka()
    async with _snapshots(kafka, life) as taking:
        with monkeypatch.context() as patch:
            patch.setattr(snapshots if isinstance(trouble, FreezingError) else kafka, *_failing(trouble))
            life.run(_LOG[:_EVERY])
            await _taken(taking, kafka)
        for end in (2 * _EVERY - 1, 2 * _EVERY):
            life.run(_LOG[:end])
            await _taken(taking, kafka)
    assert kafka.saved == [(2 * _EVERY - 1, life.shard.digest())]


def _failing(trouble: Exception) -> tuple[str, Any]:
    def freeze(_state: ShardState) -> FrozenState:
        raise trouble

    async def save(*_offset: object, **_contents: object) -> None:
        raise trouble

    return ("FrozenState", freeze) if isinstance(trouble, FreezingError) else ("save", save)
