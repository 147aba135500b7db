"""A member of the engines' group, beside a coordinator of the test's that says what becomes of it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
import pytest
from aiokafka.coordinator.protocol import ConsumerProtocol
from aiokafka.errors import RebalanceInProgressError, UnknownMemberIdError
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest

from engine.log import Connection, end_tasks, membership
from engine.log.membership import Membership, Wish

_FENCED = 82
_OTHER = "another member"


class _Generation(NamedTuple):
    """Whether the member is given the partition, and the code that its second heartbeat is answered with."""

    has_it: bool
    ends_by: int


class _Join(NamedTuple):
    """By what id and name a member joined, and what it wished for."""

    member_id: str
    name: str | None
    wish: Wish


class _Coordinator:
    """Stands for a client: the coordinator lets another member lead, one generation after the other."""

    def __init__(self, *generations: _Generation) -> None:
        self.joined_with: list[_Join] = []
        self.done = asyncio.Event()
        self._generations = generations
        self._heartbeats = 0

    async def bootstrap(self) -> None:
        """Connect."""

    async def close(self) -> None:
        """Disconnect."""

    async def coordinator_lookup(self, *_what: object) -> int:
        """Give the coordinator's number."""
        return 0

    async def send(self, _leader: int, request: Any, *, group: object) -> Any:
        """Ask."""
        assert group is not None
        number = len(self.joined_with)
        match request:
            case JoinGroupRequest():
                if number == len(self._generations):
                    self.done.set()
                    await asyncio.Event().wait()
                ((_, metadata),) = request._group_protocols
                wish = msgspec.json.decode(ConsumerProtocol.METADATA.decode(metadata).user_data, type=Wish)
                self.joined_with.append(_Join(request._member_id, request._group_instance_id, wish))
                return SimpleNamespace(
                    error_code=0, member_id="me", leader_id=_OTHER, generation_id=10 + number, members=[]
                )
            case SyncGroupRequest():
                topics = [("orders", [0])] if self._generations[number - 1].has_it else []
                share = ConsumerProtocol.ASSIGNMENT(0, topics, b"").encode()
                return SimpleNamespace(error_code=0, member_assignment=share)
            case HeartbeatRequest():
                self._heartbeats += 1
                ends = self._heartbeats % 2 == 0
                return SimpleNamespace(error_code=self._generations[number - 1].ends_by if ends else 0)
        raise AssertionError(request)


async def _live_through(
    patch: pytest.MonkeyPatch, *generations: _Generation
) -> tuple[list[_Join], list[bool]]:
    """Give how the member joined each time, and what it was told."""
    coordinator, told = _Coordinator(*generations), list[bool]()
    patch.setattr(membership, "AIOKafkaClient", lambda **_options: coordinator)
    patch.setattr(membership, "_HEARTBEAT_S", 0)
    patch.setattr(membership, "_HEARTBEAT_WITHOUT_PARTITION_S", 0)
    member = Membership(
        Connection(bootstrap_servers="memory"), "group", "orders", 0, told.append, instance="name"
    )
    keeping = asyncio.create_task(member.keep())
    ending = asyncio.create_task(coordinator.done.wait())
    await asyncio.wait({keeping, ending}, return_when=asyncio.FIRST_COMPLETED)
    await end_tasks(keeping, ending)
    return coordinator.joined_with, told


async def test_it_tells_the_others_when_it_last_had_the_partition_and_its_owner_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rebalance = RebalanceInProgressError.errno
    joined_with, told = await _live_through(
        monkeypatch,
        _Generation(True, rebalance),
        _Generation(True, rebalance),
        _Generation(False, rebalance),
        _Generation(False, rebalance),
    )
    had = (("", -1), ("me", 10), ("me", 11), ("me", -1))
    assert joined_with == [_Join(member_id, "name", Wish(0, held_in)) for member_id, held_in in had]
    assert told == [True, True, False, False]


@pytest.mark.parametrize("ends_by", [UnknownMemberIdError.errno, _FENCED])
async def test_one_that_was_thrown_out_comes_as_a_stranger(
    monkeypatch: pytest.MonkeyPatch, ends_by: int
) -> None:
    joined_with, told = await _live_through(
        monkeypatch, _Generation(True, ends_by), _Generation(False, ends_by)
    )
    assert joined_with == [_Join("", "name", Wish(0, -1)), _Join("", None, Wish(0, -1))]
    assert told == [True, False]
