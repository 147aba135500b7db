"""Starting from a long history with a snapshot, and what a million resting orders cost: pause and memory."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from statistics import median
from typing import Final, NamedTuple

from bench.processes import Measured, engine_process, starting_engine, wait_until_ready
from bench.report import Figure, print_figures
from bench.stream import command_rows, records, stream, stream_opening
from engine.log import LogReader, LogRecord, LogWriter, NewRecord, read_between
from engine.shard import Shard
from engine.snapshot_records import decode_manifest, is_manifest
from engine.topics import EXECUTIONS, ORDERS, SNAPSHOTS
from engine.wire.commands import encode_command
from engine.wire.records import decode_execution
from engine.wire.rows import CommandRows
from homebroker.broker.temporary import temporary_broker
from homebroker.settings import Settings

_CHUNK: Final = 100_000
_AHEAD_MAX: Final = 1_000_000
_POLL_S: Final = 0.02
_WATCH_S: Final = 0.25
_SNAPSHOT_WAIT_S: Final = 180.0
_RESTING: Final = 1_000_000
_TIME_MS: Final = 1_790_000_000_000
_COPIES: Final = 5
_SNAPSHOT_RECORDS_MAX: Final = 600


class _Start(NamedTuple):
    ready_s: float
    answered_s: float
    behind: int


def run(*, commands: int, starts: int) -> None:
    """Measure and print the figures."""
    _print_pause()
    with temporary_broker() as settings:
        _print_resting(settings)
    with temporary_broker() as settings:
        _print_starts(settings, commands, starts)


def _print_pause() -> None:
    """Time the copy of a shard with a million resting orders, during which it applies nothing."""
    shard = _full_shard()
    times_s: list[float] = []
    for _ in range(_COPIES):
        start_s = time.perf_counter()
        state = shard.state()
        times_s.append(time.perf_counter() - start_s)
    print_figures(
        f"copy of a shard with {shard.open_orders:,} resting orders, median of {_COPIES}",
        [
            Figure("pause", median(times_s) * 1e3, "ms"),
            Figure("the longest", max(times_s) * 1e3, "ms"),
            Figure("copied", sum(buffer.nbytes for buffer in state.buffers) / 1e6, "MB"),
        ],
    )


def _full_shard() -> Shard:
    shard = Shard(0)
    for offset, command in enumerate(stream_opening()):
        shard.apply(command, offset=offset, time_ms=_TIME_MS)
    made = stream(_RESTING, resting=_RESTING)
    batch = CommandRows(shard.investors, shard.symbols)
    batch.rows, batch.text = command_rows(made, first_offset=shard.offset + 1, time_ms=_TIME_MS)
    batch.count = _RESTING
    shard.apply_all(batch)
    return shard


def _print_resting(settings: Settings) -> None:
    values = _values(_RESTING, resting=_RESTING)
    with engine_process(settings) as engine:
        empty = engine.resident_bytes()
        most = asyncio.run(_fill(settings, engine, values))
        end = engine.resident_bytes()
        most = max(most, asyncio.run(_watch_snapshot(settings, engine)))
        pauses_ms = [float(found) for found in re.findall(r"pause_ms=([0-9.]+)", engine.log())]
    print_figures(
        f"the engine's process with {_RESTING:,} resting orders",
        [
            Figure("memory before", empty / 1e6, "MB"),
            Figure("memory after", end / 1e6, "MB"),
            Figure("a resting order", (end - empty) / _RESTING, "bytes"),
            Figure("the most, while it took snapshots too", most / 1e6, "MB"),
            Figure("a snapshot's pause, the longest", max(pauses_ms), "ms"),
            Figure("a snapshot's pause, the last", pauses_ms[-1], "ms"),
        ],
    )


def _print_starts(settings: Settings, commands: int, starts: int) -> None:
    with engine_process(settings) as engine:
        start_s = time.perf_counter()
        asyncio.run(_fill(settings, engine, _values(commands)))
        filled_s = time.perf_counter() - start_s
        asyncio.run(_watch_snapshot(settings, engine))
    stopped = [_measured_start(settings, Measured.stop) for _ in range(starts)]
    killed = [_measured_start(settings, Measured.kill) for _ in range(starts + 1)]
    print_figures(
        f"start from a history of {commands:,} commands, with a snapshot, medians of {starts}",
        [
            *_start_figures("after a stop", stopped),
            # The first of these follows a stop.
            *_start_figures("after kill -9", killed[1:]),
            Figure(
                "commands behind the snapshot, at most", max(each.behind for each in stopped + killed), ""
            ),
            Figure("the history itself, live", commands / filled_s, "commands/s"),
        ],
    )


def _start_figures(name: str, measured: Sequence[_Start]) -> list[Figure]:
    return [
        Figure(f"{name}: from the process to ready", median(each.ready_s for each in measured), "s"),
        Figure(f"{name}: to a new order answered", median(each.answered_s for each in measured), "s"),
    ]


def _measured_start(settings: Settings, end: Callable[[Measured], None]) -> _Start:
    offset, snapshot = asyncio.run(_ask(settings))
    start_s = time.perf_counter()
    with starting_engine(settings) as engine:
        wait_until_ready(settings, engine)
        ready_s = time.perf_counter() - start_s
        asyncio.run(_wait_for_answer(settings, engine, offset))
        answered_s = time.perf_counter() - start_s
        end(engine)
    return _Start(ready_s, answered_s, offset - snapshot)


async def _ask(settings: Settings) -> tuple[int, int]:
    """Append an order that the next engine has to answer; gives its offset and the newest snapshot's."""
    async with LogWriter(settings.connection) as writer:
        value = b'{"command":"cancel","order_id":"b-none","investor_id":"bench-0000"}'
        offset = await writer.append(ORDERS, NewRecord(b"bench", value))
    return offset, await _newest_snapshot(settings, _SNAPSHOT_RECORDS_MAX)


def _values(commands: int, **options: int) -> Iterator[bytes]:
    opened = (encode_command(command) for command in stream_opening())
    return chain(opened, records(stream(commands, **options)))


async def _fill(settings: Settings, engine: Measured, values: Iterable[bytes]) -> int:
    """Append commands, not too far ahead of the engine, until all are answered; gives its most memory."""
    most = 0
    left = iter(values)
    async with LogWriter(settings.connection) as writer, LogReader(settings.connection) as reader:
        while chunk := [NewRecord(b"bench", value) for value in islice(left, _CHUNK)]:
            await writer.append_all(ORDERS, chunk)
            end = await reader.end_offset(ORDERS, 0)
            while end - await _answered(settings) > _AHEAD_MAX:
                most = max(most, engine.resident_bytes())
                engine.check_alive()
                await asyncio.sleep(_WATCH_S)
    await _wait_for_answer(settings, engine, end - 1)
    return max(most, engine.resident_bytes())


async def _wait_for_answer(settings: Settings, engine: Measured, offset: int) -> None:
    while await _answered(settings) < offset:
        engine.check_alive()
        await asyncio.sleep(_POLL_S)


async def _answered(settings: Settings) -> int:
    """Give the offset of the last command that has an execution."""
    tail = await _tail(settings, EXECUTIONS, 1)
    return decode_execution(tail[-1].value or b"").offset if tail else -1


async def _watch_snapshot(settings: Settings, engine: Measured) -> int:
    """Wait for a snapshot of nearly all that is answered; gives the engine's most memory meanwhile."""
    most = 0
    answered = await _answered(settings)
    with suppress(TimeoutError):
        async with asyncio.timeout(_SNAPSHOT_WAIT_S):
            # A manifest is the last record until the next snapshot begins.
            while await _newest_snapshot(settings, 1) < answered - settings.snapshot_commands:
                most = max(most, engine.resident_bytes())
                engine.check_alive()
                await asyncio.sleep(_WATCH_S)
    return most


async def _newest_snapshot(settings: Settings, records_max: int) -> int:
    """Give the offset that the newest snapshot among the last records reaches; -1 when there is none."""
    manifests = [each for each in await _tail(settings, SNAPSHOTS, records_max) if is_manifest(each.key)]
    return decode_manifest(manifests[-1].value or b"").contents.offset if manifests else -1


async def _tail(settings: Settings, topic: str, count: int) -> list[LogRecord]:
    async with LogReader(settings.connection) as reader:
        end = await reader.end_offset(topic, 0)
    start = max(0, end - count)
    return [each async for batch in read_between(settings.connection, topic, 0, start, end) for each in batch]
