"""What the output topics must hold, whatever happened to the processes: what a clean run of the log gives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from engine.identity import SeenOutputs
from engine.log import Connection, LogReader, read_between
from engine.outputs import Outputs
from engine.shard import Shard
from engine.topics import ACCOUNTS, ASSETS, BOOK, EXECUTIONS, ORDERS, OUTPUT_TOPICS, TRANSACTIONS
from engine.wire.commands import decode_command
from engine.wire.records import (
    decode_account,
    decode_asset,
    decode_execution,
    decode_transaction,
)
from engine.wire.rows import CommandRows
from tests.output_values import check_books, values_by_topic

_decode: dict[str, Callable[[bytes], Any]] = {
    TRANSACTIONS: decode_transaction,
    EXECUTIONS: decode_execution,
    ACCOUNTS: decode_account,
    ASSETS: decode_asset,
}
_QUIET_S = 0.5


async def topic_values(connection: Connection, topic: str) -> list[tuple[int, int, bytes]]:
    """Read a topic whole: offset, timestamp and value of each record."""
    async with LogReader(connection) as reader:
        end = await reader.end_offset(topic, 0)
    return [
        (record.offset, record.time_ms, record.value or b"")
        async for batch in read_between(connection, topic, 0, 0, end)
        for record in batch
    ]


async def clean_run(connection: Connection) -> tuple[Shard, dict[str, list[bytes]]]:
    """Run the log in memory, as an engine that nothing ever happened to would."""
    shard, outputs = Shard(0), Outputs(0, {})
    commands = CommandRows(shard.investors, shard.symbols)
    for offset, time_ms, value in await topic_values(connection, ORDERS):
        commands.add(decode_command(value), offset, time_ms)
    shard.apply_all(commands, outputs.add)
    return shard, values_by_topic(outputs.take())


async def seen_once(connection: Connection, topic: str) -> list[bytes]:
    """Read an output topic as our readers do, less what was sent twice; that must be the same bytes."""
    reader_of, seen = SeenOutputs(), dict[tuple[int, int], bytes]()
    for _, _, value in await topic_values(connection, topic):
        record = _decode[topic](value)
        assert reader_of.is_new(record) == ((record.offset, record.index) not in seen), "identities only grow"
        assert seen.setdefault((record.offset, record.index), value) == value
    return list(seen.values())


async def all_answered(connection: Connection) -> bool:
    """Tell whether the log's last command has its execution report, and nothing more comes out."""
    async with LogReader(connection) as reader:
        last = await reader.end_offset(ORDERS, 0) - 1
        ends = [await reader.end_offset(topic, 0) for topic in OUTPUT_TOPICS]
        await asyncio.sleep(_QUIET_S)
        if ends != [await reader.end_offset(topic, 0) for topic in OUTPUT_TOPICS]:
            return False
    # An engine that hung may repeat any number of older records behind the newest.
    values = await topic_values(connection, EXECUTIONS)
    return max((decode_execution(value).offset for _, _, value in values), default=-1) >= last


async def check_outputs(connection: Connection) -> Shard:
    """Check that every output topic holds what a clean run gives; gives the market as it then is."""
    shard, expected = await clean_run(connection)
    for topic in _decode:
        _check_same(topic, await seen_once(connection, topic), expected[topic])
    check_books((value for _, _, value in await topic_values(connection, BOOK)), shard)
    return shard


def _check_same(topic: str, found: list[bytes], expected: list[bytes]) -> None:
    for place, (one, other) in enumerate(zip(found, expected, strict=False)):
        assert one == other, f"{topic}, record {place}"
    assert len(found) == len(expected), f"{topic}, from record {min(len(found), len(expected))} on"
