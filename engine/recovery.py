"""How an engine begins: from the newest good snapshot, and from what the output topics have already."""

from __future__ import annotations

import asyncio

import msgspec
import structlog

from engine.log import Connection, LogReader, read_between
from engine.outputs import IDENTIFIED_TOPICS, NOTHING, Identity
from engine.shard import Shard
from engine.snapshot_store import SnapshotStore
from engine.state import ShardState, UnusableStateError, state_digest
from engine.topics import ORDERS

_TAIL_MAX = 1_000

_log = structlog.get_logger("engine")


class UnusableLogError(RuntimeError):
    """The topics contradict each other, so that no engine can rebuild this market from them."""


class _Identified(msgspec.Struct):
    offset: int
    index: int


_decode_identity = msgspec.json.Decoder(_Identified).decode


async def restore(connection: Connection, store: SnapshotStore, number: int) -> Shard:
    """Give a shard to replay the log into: as the newest snapshot has it, empty where there is none.

    Raises
    ------
    UnusableLogError
        When the commands behind the snapshot are not all in the log.
    LogError
        When Kafka is away.
    """
    shard = await _from_snapshot(store, number)
    async with LogReader(connection) as reader:
        first = await reader.first_offset(ORDERS, number)
        end = await reader.end_offset(ORDERS, number)
    if shard.offset >= end:
        raise UnusableLogError(
            f"The newest snapshot was taken at offset {shard.offset}, but {ORDERS} ends at {end}: they are "
            "not of one market. Begin with empty topics, or restore the orders."
        )
    if first > shard.offset + 1:
        raise UnusableLogError(
            f"The topic {ORDERS} begins at offset {first}, and there is no snapshot to go on from there: "
            "its oldest commands were deleted, so the market cannot be rebuilt. Set retention.ms=-1 on it "
            "and begin with empty topics."
        )
    return shard


async def identities_sent(connection: Connection, number: int) -> dict[str, Identity]:
    """Give the last identity on each output topic.

    Raises
    ------
    UnusableLogError
        When one is of no command in the log.
    LogError
        When Kafka is away.
    """
    async with LogReader(connection) as reader:
        sent = {topic: await _last_identity(connection, reader, topic, number) for topic in IDENTIFIED_TOPICS}
        end = await reader.end_offset(ORDERS, number)
    for topic, (offset, _) in sent.items():
        if offset >= end:
            raise UnusableLogError(
                f"The topic {topic} tells of offset {offset}, but {ORDERS} ends at {end}: they are not of "
                "one market. Begin with empty topics, or restore the orders."
            )
    return sent


async def _from_snapshot(store: SnapshotStore, number: int) -> Shard:
    snapshot = await store.load_newest()
    if snapshot is None:
        return Shard(number)
    try:
        state = ShardState.read(snapshot.header, snapshot.parts)
        # Both leave the interpreter to others, and there may be hundreds of megabytes.
        digest, shard = await asyncio.gather(
            asyncio.to_thread(state_digest, state), asyncio.to_thread(Shard.restored, state)
        )
        if digest != snapshot.state_hash:
            raise UnusableStateError("its hash is not that of its state")
    except UnusableStateError as error:
        _log.warning(
            "cannot go on from the snapshot; replaying the log", offset=snapshot.offset, why=str(error)
        )
        return Shard(number)
    _log.info("going on from a snapshot", offset=shard.offset)
    return shard


async def _last_identity(connection: Connection, reader: LogReader, topic: str, number: int) -> Identity:
    first = await reader.first_offset(topic, number)
    end = await reader.end_offset(topic, number)
    last = NOTHING
    # More than the very last: an engine that was cut off may repeat older records behind newer ones.
    async for batch in read_between(connection, topic, number, max(first, end - _TAIL_MAX), end):
        for record in batch:
            if record.value is not None:
                identified = _decode_identity(record.value)
                last = max(last, (identified.offset, identified.index))
    return last
