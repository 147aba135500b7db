"""From an order due to its execution readable, at fixed rates, beside an echo through the same Kafka.

The load is open: each order has its moment whatever became of those before it, and its time counts from that
moment, so that a pause is felt by every order that fell into it.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
import uvloop

from bench.passthrough import IN_TOPIC, OUT_TOPIC, make_passthrough_topics
from bench.processes import engine_process, passthrough_process
from bench.report import Figure, print_figures
from bench.stream import RESTING, records, stream, stream_opening
from engine.log import LogReader, LogRecord, LogWriter, NewRecord
from engine.topics import EXECUTIONS, ORDERS
from engine.wire.commands import encode_command
from homebroker.broker.temporary import temporary_broker
from homebroker.settings import Settings

Seconds: TypeAlias = npt.NDArray[np.float64]

_RATES: Final = (100, 1_000, 10_000)
_LAST_WAIT_S: Final = 10.0
_READ_MS: Final = 200
_BEGIN_AFTER_S: Final = 0.1
_FILL_RATE: Final = 2_500
_NOT_YET: Final = -1.0


class _Cause(msgspec.Struct):
    offset: int


_decode_cause = msgspec.json.Decoder(_Cause).decode


class _Times(NamedTuple):
    """Seconds from each order's moment until Kafka kept it, and until what came of it was read."""

    kept: Seconds
    answered: Seconds


def run(*, seconds: int) -> None:
    """Measure on a broker of its own, each rate for some seconds, and print the figures."""
    with temporary_broker() as settings:
        measured = uvloop.run(_measure(settings, seconds))
    for rate, (ours, plain) in measured.items():
        print_figures(
            f"latency at {rate:,} orders/s for {seconds} s, from the order's moment",
            [
                *_figures("kept in orders (the sender's own way)", ours.kept),
                *_figures("execution readable", ours.answered),
                *_figures("of that, after it was kept", ours.answered - ours.kept),
                *_figures("echo readable", plain.answered),
                Figure(
                    "execution / echo, p50", float(np.median(ours.answered) / np.median(plain.answered)), "×"
                ),
            ],
        )


def _figures(name: str, times: Seconds) -> list[Figure]:
    return [
        Figure(f"{name}, p{percent}", float(np.percentile(times, percent)) * 1e3, "ms")
        for percent in (50, 99)
    ]


async def _measure(settings: Settings, seconds: int) -> dict[int, tuple[_Times, _Times]]:
    values = list(records(stream(RESTING + seconds * sum(_RATES))))
    opened = [encode_command(command) for command in stream_opening()]
    # A pause of our own, to look for garbage among these, would be counted as the market's.
    gc.freeze()
    await make_passthrough_topics(settings.connection)
    measured: dict[int, tuple[_Times, _Times]] = {}
    with engine_process(settings), passthrough_process(settings):
        ours = _Lane(settings, ORDERS, EXECUTIONS)
        plain = _Lane(settings, IN_TOPIC, OUT_TOPIC)
        async with LogWriter(settings.connection) as writer:
            await writer.append_all(ORDERS, [NewRecord(b"bench", value) for value in opened])
        for lane in (ours, plain):
            await lane.run(values[:RESTING], _FILL_RATE)
        start = RESTING
        for rate in _RATES:
            chunk = values[start : start + rate * seconds]
            start += len(chunk)
            echoed = await plain.run(chunk, rate)
            measured[rate] = await ours.run(chunk, rate), echoed
    return measured


class _Lane:
    """One way from a topic to another: the engine's or the echo's."""

    def __init__(self, settings: Settings, source: str, target: str) -> None:
        self._connection = settings.connection
        self._source = source
        self._target = target

    async def run(self, values: Sequence[bytes], rate: int) -> _Times:
        """Append records at a rate and note when each was kept, and answered."""
        async with LogWriter(self._connection) as writer, LogReader(self._connection) as reader:
            first = await reader.end_offset(self._source, 0)
            ends = await reader.end_offset(self._target, 0)
            reader.start({(self._target, 0): ends})
            due = np.arange(len(values)) / rate + time.perf_counter() + _BEGIN_AFTER_S
            kept = np.full(len(values), np.nan)
            answered = [_NOT_YET] * len(values)
            reading = asyncio.create_task(
                self._read(reader, answered, first if self._target == EXECUTIONS else ends)
            )
            try:
                await self._send(writer, values, due, kept)
                async with asyncio.timeout(_LAST_WAIT_S):
                    await reading
            finally:
                reading.cancel()
        return _Times(kept - due, np.array(answered) - due)

    async def _send(self, writer: LogWriter, values: Sequence[bytes], due: Seconds, kept: Seconds) -> None:
        """Append what is due, all of it at once, until nothing is left."""
        sent = 0
        while sent < len(values):
            now = time.perf_counter()
            until = int(np.searchsorted(due, now, side="right"))
            if until == sent:
                # A thread's sleep is exact to some 0.1 ms, an event loop's to 1 ms.
                await asyncio.to_thread(time.sleep, due[sent] - now)
                continue
            await writer.append_all(
                self._source, [NewRecord(b"bench", value) for value in values[sent:until]]
            )
            kept[sent:until] = time.perf_counter()
            sent = until

    async def _read(self, reader: LogReader, answered: list[float], first: int) -> None:
        """Note when each record's first answer was read, until all have one."""
        waiting = len(answered)
        place_of: Any = _caused_by if self._target == EXECUTIONS else _own_offset
        while waiting:
            found = await reader.read(wait_ms=_READ_MS)
            now = time.perf_counter()
            for record in found:
                place = place_of(record) - first
                if place >= 0 and answered[place] == _NOT_YET:
                    answered[place] = now
                    waiting -= 1


def _caused_by(record: LogRecord) -> int:
    return _decode_cause(record.value or b"").offset


def _own_offset(record: LogRecord) -> int:
    return record.offset
