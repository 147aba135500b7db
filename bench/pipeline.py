"""Orders in Kafka to outputs in Kafka, beside a pass-through that copies JSON records through aiokafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec

from bench.broker import own_broker
from bench.flow import flow, opening
from bench.report import Figure, print_figures
from engine.log import Connection, LogReader, LogWriter, NewRecord, read_between
from engine.progress import State
from engine.service import run as run_engine
from engine.topics import EXECUTIONS, ORDERS, SNAPSHOTS
from engine.wire.commands import encode_command

_BATCH = 2_000


def run(*, commands: int, symbols: int) -> None:
    """Measure the whole way on a broker of its own and print the figures."""
    values = [encode_command(command) for command in (*opening(symbols), *flow(commands, symbols=symbols))]
    with own_broker() as connection:
        engine_s, passed_s = asyncio.run(_measure(connection, values))
    print_figures(
        f"pipeline, real broker on this machine, {symbols} symbol(s), {commands:,} commands",
        [
            Figure("pass-through: decode and encode, one record out", len(values) / passed_s, "records/s"),
            Figure("engine: orders in, all outputs out", len(values) / engine_s, "commands/s"),
            Figure("engine / pass-through", passed_s / engine_s, "×"),
        ],
    )


async def _measure(connection: Connection, values: Sequence[bytes]) -> tuple[float, float]:
    async with LogWriter(connection) as writer:
        await writer.append_all(ORDERS, [NewRecord(b"bench", value) for value in values])
    passed_s = await _pass_through(connection, len(values))
    return await _engine(connection, len(values)), passed_s


async def _pass_through(connection: Connection, count: int) -> float:
    start_s = time.perf_counter()
    async with LogReader(connection) as reader, LogWriter(connection) as writer:
        reader.start({(ORDERS, 0): 0})
        copied = 0
        while copied < count:
            records = await reader.read(wait_ms=500, records_max=_BATCH)
            copies = [msgspec.json.encode(msgspec.json.decode(record.value or b"")) for record in records]
            # Any topic of the market that the engine does not read or write will do.
            await writer.append_all(SNAPSHOTS, [NewRecord(b"bench", value) for value in copies])
            copied += len(copies)
    return time.perf_counter() - start_s


async def _engine(connection: Connection, count: int) -> float:
    start_s = time.perf_counter()
    ready = asyncio.Event()
    engine = asyncio.create_task(
        run_engine(connection, report=lambda state, _: ready.set() if state is State.READY else None)
    )
    try:
        # Ready means that everything which was in the log at the start has been answered in Kafka.
        await ready.wait()
        seconds = time.perf_counter() - start_s
    finally:
        engine.cancel()
        await asyncio.gather(engine, return_exceptions=True)
    async with LogReader(connection) as reader:
        end = await reader.end_offset(EXECUTIONS, 0)
    reports = [record async for batch in read_between(connection, EXECUTIONS, 0, 0, end) for record in batch]
    assert len(reports) >= count * 0.9, "nearly every command of the flow has an execution report"
    return seconds
