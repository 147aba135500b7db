"""A small market with a past: the simulator's commands, in the log, answered by the real engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine import service
from engine.log import Connection, LogReader, LogRecord, LogWriter, NewRecord, read_between
from engine.topics import EXECUTIONS, ORDERS
from engine.wire.commands import command_key, encode_command
from engine.wire.records import decode_execution
from homebroker.simulator.warm_up import WARM_UP_COMMANDS_PER_SECOND, history
from tests.market import TIMEOUT_S

_SEED = 11


@asynccontextmanager
async def seeded_market(connection: Connection, *, minutes: int = 20) -> AsyncIterator[None]:
    """Fill an empty market with trades up to now, and keep its engine running."""
    now_ms = time.time_ns() // 1_000_000
    past = history(
        seed=_SEED,
        start_ms=now_ms - minutes * 60_000,
        end_ms=now_ms,
        investor_id="demo",
        rate=WARM_UP_COMMANDS_PER_SECOND,
    )
    records = [NewRecord(command_key(command), encode_command(command), time_ms) for command, time_ms in past]
    # A record that is no command belongs to a market's past as well.
    records.append(NewRecord(b"", b"{no json", now_ms))
    async with LogWriter(connection) as writer:
        await writer.append_all(ORDERS, records)
    engine = asyncio.create_task(service.run(connection, report=lambda _state, _detail: None))
    try:
        await until_answered(connection)
        yield
    finally:
        engine.cancel()
        await asyncio.wait({engine})


async def until_answered(connection: Connection) -> None:
    """Wait until the engine has answered every command there is; each has a report, or the last one has."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            orders = await records_of(connection, ORDERS)
            executions = await records_of(connection, EXECUTIONS)
            if executions and decode_execution(executions[-1].value or b"").offset == orders[-1].offset:
                return
            await asyncio.sleep(0.1)


async def records_of(connection: Connection, topic: str) -> list[LogRecord]:
    """Read a topic whole, by the log's own reader."""
    async with LogReader(connection) as reader:
        end = await reader.end_offset(topic, 0)
    return [record async for batch in read_between(connection, topic, 0, 0, end) for record in batch]
