"""The research face: topics into tables beside a bare read, and replays beside the bare kernel.

Run as `python -m bench.research`. The bare read is aiokafka's own consumer, which gives a Python object a
record and decodes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any, Final

import numpy as np
from aiokafka import AIOKafkaConsumer, TopicPartition

import homebroker as hb
from bench.report import Figure, print_figures
from bench.stream import command_rows, records, stream, stream_opening
from engine import service
from engine.kernel.octets import SLACK
from engine.log import Connection, LogReader, LogWriter, NewRecord
from engine.topics import EXECUTIONS, ORDERS, TRANSACTIONS
from engine.wire.commands import encode_command
from homebroker.broker.temporary import temporary_broker
from homebroker.research.command_log import CommandLog, LogBuilder
from homebroker.research.command_table import command_table
from homebroker.research.frames import pandas_of

_TIME_MS: Final = 1_790_000_000_000
_QUIET_S: Final = 2.0


def run(*, commands: int, rounds: int) -> None:
    """Measure and print the figures."""
    _print_replays(commands, rounds)
    with temporary_broker() as settings:
        os.environ["HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS"] = settings.connection.bootstrap_servers
        asyncio.run(_fill(settings.connection, commands))
        _print_reads(settings.connection, rounds)


def _print_replays(count: int, rounds: int) -> None:
    log = _log(count)
    frame = pandas_of(command_table(log))
    hb.replay(log.part(0, 5_000))
    bare, rows, tables, frames = ([0.0] * rounds for _ in range(4))
    for place in range(rounds):
        bare[place] = _timed(lambda: log.shard().apply_all(log.batch(0, len(log))))
        rows[place] = _timed(lambda: hb.replay(log))
        tables[place] = _timed(lambda: _all_tables(hb.replay(log)))
        frames[place] = _timed(lambda: hb.replay(frame))
    print_figures(
        f"replays in memory, 1 symbol, medians of {rounds} rounds of {len(log):,} commands",
        [
            Figure("the shard alone, nothing kept", len(log) / median(bare), "commands/s"),
            Figure("hb.replay(log)", len(log) / median(rows), "commands/s"),
            Figure("… / the shard alone", _ratio(bare, rows), "×"),
            Figure("hb.replay(log) and both DataFrames", len(log) / median(tables), "commands/s"),
            Figure("hb.replay(DataFrame)", len(log) / median(frames), "commands/s"),
        ],
    )


def _all_tables(run: Any) -> None:
    assert len(run.transactions) < len(run.executions)


def _log(count: int) -> CommandLog:
    builder = LogBuilder()
    for offset, command in enumerate(stream_opening()):
        builder.add(command, offset, _TIME_MS)
    opening = builder.log()
    rows, text = command_rows(stream(count), first_offset=len(opening), time_ms=_TIME_MS)
    rows["text"] += len(opening.text) - SLACK
    return CommandLog(
        np.concatenate([opening.rows, rows]),
        np.concatenate([opening.text[:-SLACK], text]),
        opening.investors,
        opening.symbols,
    )


async def _fill(connection: Connection, count: int) -> None:
    """Have the engine trade, and wait until it is quiet."""
    values = [encode_command(command) for command in stream_opening()]
    values += records(stream(count))
    async with LogWriter(connection) as writer:
        await writer.append_all(ORDERS, [NewRecord(b"bench", value) for value in values])
    engine = asyncio.create_task(service.run(connection, report=lambda _state, _detail: None))
    async with LogReader(connection) as reader:
        end, changed_s = 0, time.monotonic()
        while end == 0 or time.monotonic() - changed_s < _QUIET_S:
            await asyncio.sleep(0.2)
            now = await reader.end_offset(EXECUTIONS, 0)
            if now != end:
                end, changed_s = now, time.monotonic()
    engine.cancel()
    await asyncio.wait({engine})


def _print_reads(connection: Connection, rounds: int) -> None:
    figures: list[Figure] = []
    readers: list[tuple[str, Callable[[], Any]]] = [
        (TRANSACTIONS, lambda: hb.transactions(progress=False)),
        (EXECUTIONS, lambda: hb.executions(progress=False)),
        (ORDERS, lambda: hb.orders(progress=False)),
    ]
    for topic, read in readers:
        rows = len(read())
        ours, bare = [0.0] * rounds, [0.0] * rounds
        for place in range(rounds):
            bare[place] = _timed(lambda: asyncio.run(_read_bare(connection, topic)))  # noqa: B023
            ours[place] = _timed(read)
        figures += [
            Figure(f"{topic}: hb.{topic}() into a DataFrame", rows / median(ours), "rows/s"),
            Figure(f"{topic}: aiokafka alone, nothing decoded", rows / median(bare), "records/s"),
            Figure(f"{topic}: ratio", _ratio(bare, ours), "×"),
        ]
    count = len(hb.load_log(progress=False))
    loads = [_timed(lambda: hb.load_log(progress=False)) for _ in range(rounds)]
    figures.append(Figure("hb.load_log()", count / median(loads), "commands/s"))
    print_figures(f"topics of a real broker here, medians of {rounds} rounds", figures)


async def _read_bare(connection: Connection, topic: str) -> int:
    at = TopicPartition(topic, 0)
    consumer = AIOKafkaConsumer(
        **connection.options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    try:
        consumer.assign([at])
        end = (await consumer.end_offsets([at]))[at]
        consumer.seek(at, 0)
        count = 0
        while await consumer.position(at) < end:
            found = await consumer.getmany(timeout_ms=1_000)
            count += sum(len(batch) for batch in found.values())
        return count
    finally:
        await consumer.stop()


def _timed(work: Callable[[], Any]) -> float:
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s


def _ratio(bare: list[float], ours: list[float]) -> float:
    return median(theirs / own for theirs, own in zip(bare, ours, strict=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    run(commands=arguments.commands, rounds=arguments.rounds)
