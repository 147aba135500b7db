"""Being one of a consumer group, only to agree on who has which partition: nothing is read or committed here.

Every member wishes for one partition, and whoever has it keeps it for as long as it is a member. aiokafka's
own consumer would bring fetching with it, stop for good where a program does not poll it, and share out by
other rules. The protocol is the classic one of consumers, so that Kafka's tools show the group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.coordinator.protocol import ConsumerProtocol
from aiokafka.errors import (
    IllegalGenerationError,
    KafkaError,
    MemberIdRequired,
    RebalanceInProgressError,
    UnknownMemberIdError,
    for_code,
)
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest

from engine.log.connection import Connection, stop_client

_SESSION_MS = 6_000
_REBALANCE_MS = 6_000
_HEARTBEAT_S = 1.5
_HEARTBEAT_WITHOUT_PARTITION_S = 0.5
_RETRY_S = 0.5
_LEAVE_TIMEOUT_S = 2.0
_ASSIGNOR = "homebroker-holder"
_VERSION = 0
# Somebody else has joined by this member's name; aiokafka does not know the code.
_FENCED_INSTANCE_CODE = 82

_log = structlog.get_logger("engine")


class Wish(msgspec.Struct, frozen=True):
    """What a member tells the others: the partition it wishes for, and in which generation it last had it.

    `held_in` is -1 for a member that has not had it since it joined.
    """

    partition: int
    held_in: int


_decode_wish = msgspec.json.Decoder(Wish).decode


def holders(wishes: Mapping[str, Wish]) -> dict[str, int]:
    """Share partitions out among members: each to whoever has it, or else to the first that wishes for it.

    Parameters
    ----------
    wishes : mapping of str to Wish
        By member id.

    Returns
    -------
    dict of str to int
        The partition of each member that gets one.
    """
    best: dict[int, str] = {}
    for member, wish in wishes.items():
        holder = best.get(wish.partition)
        if holder is None or wish.held_in > wishes[holder].held_in:
            best[wish.partition] = member
    return {member: partition for partition, member in best.items()}


class Membership:
    """One member of a group: joins, and stays until it leaves, however often Kafka goes away meanwhile.

    Parameters
    ----------
    topic, partition : str, int
        What this member wishes for.
    given : callable
        Told after each sharing out whether this member has it; not called while there is no telling.
    instance : str, optional
        A name that only one living member has: who joins by it takes at once what its dead predecessor had.
    """

    def __init__(
        self,
        connection: Connection,
        group: str,
        topic: str,
        partition: int,
        given: Callable[[bool], None],
        *,
        instance: str | None = None,
    ) -> None:
        self._client = AIOKafkaClient(**connection.options())
        self._group = group
        self._topic = topic
        self._partition = partition
        self._given = given
        self._instance = instance
        self._member_id = JoinGroupRequest.UNKNOWN_MEMBER_ID
        self._generation = -1
        self._held_in = -1
        self._joined = False
        self._away = False
        self._coordinator: int | None = None

    async def keep(self) -> None:
        """Be a member until cancelled.

        Raises
        ------
        LogError
            When Kafka refuses the membership in a way that waiting does not mend.
        """
        started = False
        while True:
            try:
                if not started:
                    await self._client.bootstrap()
                    started = True
                await self._take_part()
            except (RebalanceInProgressError, IllegalGenerationError):
                self._joined = False
            except UnknownMemberIdError:
                # The others have gone on without this member; what it had may be another's by now.
                self._joined = False
                self._member_id = JoinGroupRequest.UNKNOWN_MEMBER_ID
                self._held_in = -1
                # And so may its name be: to join by it once more would throw that one out.
                self._instance = None
            except KafkaError as error:
                if not error.retriable:
                    raise
                if not self._away:
                    _log.warning(
                        "the engine's group cannot be reached; trying until it can", error=str(error)
                    )
                self._away = True
                self._coordinator = None
                if started:
                    self._client.force_metadata_update()
                await asyncio.sleep(_RETRY_S)

    async def leave(self) -> None:
        """Tell the group, unless Kafka is away, and disconnect."""
        try:
            async with asyncio.timeout(_LEAVE_TIMEOUT_S):
                if self._member_id:
                    await self._ask(LeaveGroupRequest(self._group, self._member_id))
        except (KafkaError, TimeoutError) as error:
            _log.warning("the engine's group learns only from silence that this one left", error=str(error))
        await stop_client(self._client.close)

    async def _take_part(self) -> None:
        while True:
            if not self._joined:
                await self._join()
            has_it = self._held_in == self._generation
            await asyncio.sleep(_HEARTBEAT_S if has_it else _HEARTBEAT_WITHOUT_PARTITION_S)
            await self._ask(HeartbeatRequest(self._group, self._generation, self._member_id))

    async def _join(self) -> None:
        wish = msgspec.json.encode(Wish(self._partition, self._held_in))
        metadata = ConsumerProtocol.METADATA(_VERSION, [self._topic], wish).encode()
        while True:
            request = JoinGroupRequest(
                self._group,
                _SESSION_MS,
                _REBALANCE_MS,
                self._member_id,
                self._instance,
                ConsumerProtocol.PROTOCOL_TYPE,
                [(_ASSIGNOR, metadata)],
            )
            joined = await self._ask(request, MemberIdRequired)
            self._member_id = joined.member_id
            if joined.error_code == 0:
                break
        self._generation = joined.generation_id
        shares = self._share_out(joined.members) if joined.leader_id == joined.member_id else []
        synced = await self._ask(
            SyncGroupRequest(self._group, self._generation, self._member_id, self._instance, shares)
        )
        assignment = ConsumerProtocol.ASSIGNMENT.decode(synced.member_assignment)
        has_it = any(at.partition == self._partition for at in assignment.partitions())
        self._held_in = self._generation if has_it else -1
        self._joined = True
        self._given(has_it)

    def _share_out(self, members: list[tuple[Any, ...]]) -> list[tuple[str, bytes]]:
        wishes = {
            member: _decode_wish(ConsumerProtocol.METADATA.decode(metadata).user_data)
            for member, *_, metadata in members
        }
        having = holders(wishes)
        return [(member, self._share([having[member]] if member in having else [])) for member in wishes]

    def _share(self, partitions: list[int]) -> bytes:
        topics = [(self._topic, partitions)] if partitions else []
        share: bytes = ConsumerProtocol.ASSIGNMENT(_VERSION, topics, b"").encode()
        return share

    async def _ask(self, request: Any, *welcome: type[KafkaError]) -> Any:
        """Ask the group's coordinator; raises what it answers, unless that is `welcome`."""
        if self._coordinator is None:
            self._coordinator = await self._client.coordinator_lookup(CoordinationType.GROUP, self._group)
        answer = await self._client.send(self._coordinator, request, group=ConnectionGroup.COORDINATION)
        self._away = False
        fenced = answer.error_code == _FENCED_INSTANCE_CODE
        error = UnknownMemberIdError if fenced else for_code(answer.error_code)
        if answer.error_code and error not in welcome:
            raise error(f"group {self._group}")
        return answer
