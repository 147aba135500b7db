"""Orders in Kafka to outputs in Kafka, beside a pass-through that copies the same records with aiokafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from statistics import median
from typing import Final, NamedTuple

import psutil

from bench.passthrough import IN_TOPIC, OUT_TOPIC, make_passthrough_topics
from bench.processes import Measured, engine_process, passthrough_process
from bench.report import Figure, print_figures
from bench.stream import records, stream, stream_opening
from engine.log import LogReader, LogWriter, NewRecord
from engine.topics import ACCOUNTS, ASSETS, BOOK, EXECUTIONS, ORDERS, OUTPUT_TOPICS, TRANSACTIONS
from engine.wire.commands import encode_command
from homebroker.broker.temporary import broker_pid, temporary_broker
from homebroker.settings import Settings

_SAMPLE_S: Final = 0.025
_QUIET_S: Final = 1.5
_FIRST_TIMEOUT_S: Final = 30.0
_CHECKED: Final = "engine"
_UNLIMITED: Final = "engine, accounts unlimited"
_WITH_FEES: Final = "engine, with fees"
_COUNTED: Final = (TRANSACTIONS, EXECUTIONS, ACCOUNTS, BOOK, ASSETS)


class _Round(NamedTuple):
    seconds: float
    processor_s: float
    broker_s: float
    outputs: dict[str, int]


def run(*, commands: int, symbols: int, rounds: int) -> None:
    """Measure the whole way on a broker of its own and print the figures."""
    with temporary_broker() as settings:
        plain, engines = asyncio.run(_measure(settings, commands // rounds, symbols, rounds))
    count, engine = commands // rounds, engines[_CHECKED]
    print_figures(
        f"pipeline, real broker here, {symbols} symbol(s), medians of {rounds} rounds of {count:,} commands",
        [
            Figure(
                "pass-through: decode, encode, one record out",
                median(count / each.seconds for each in plain),
                "records/s",
            ),
            Figure(
                "engine: orders in, all outputs out",
                median(count / each.seconds for each in engine),
                "commands/s",
            ),
            Figure("engine / pass-through", median(_ratios(engine, plain)), "×"),
            Figure("engine / pass-through, the lowest round", min(_ratios(engine, plain)), "×"),
            Figure("engine / pass-through, the highest round", max(_ratios(engine, plain)), "×"),
            Figure(
                "engine / the same with unlimited accounts", median(_ratios(engine, engines[_UNLIMITED])), "×"
            ),
            Figure("engine with fees / without", median(_ratios(engines[_WITH_FEES], engine)), "×"),
            *(
                Figure(
                    f"records a command on {topic}",
                    sum(each.outputs[topic] for each in engine) / commands,
                    "",
                )
                for topic in _COUNTED
            ),
            Figure(
                "engine: records out",
                median(sum(each.outputs.values()) / each.seconds for each in engine),
                "records/s",
            ),
            *(figure for name, each in engines.items() for figure in _processor_figures(name, each, count)),
            *_processor_figures("pass-through", plain, count),
        ],
    )


def _ratios(ours: Sequence[_Round], theirs: Sequence[_Round]) -> list[float]:
    """Give how fast something was beside something else, round by round."""
    return [other.seconds / own.seconds for own, other in zip(ours, theirs, strict=True)]


def _processor_figures(name: str, measured: Sequence[_Round], count: int) -> list[Figure]:
    return [
        Figure(
            f"{name}: processor a command", median(each.processor_s / count for each in measured) * 1e6, "µs"
        ),
        Figure(
            f"{name}: broker's processor a command",
            median(each.broker_s / count for each in measured) * 1e6,
            "µs",
        ),
    ]


class _Market(NamedTuple):
    """The stream under names of its own: several of them are in one engine, and none is in another's way.

    The word takes the place of "bench" in all names, and has as many letters.
    """

    word: str
    unlimited: bool = False
    fees: bool = False

    def opening(self, symbols: int) -> list[bytes]:
        """Give the records that list its symbols and open its accounts."""
        commands = stream_opening(symbols=symbols, unlimited=self.unlimited, fees=self.fees)
        return [self.named(encode_command(command)) for command in commands]

    def named(self, record: bytes) -> bytes:
        """Give a record of the stream under this market's names."""
        for name in ("bench", "BENCH"):
            word = self.word if name.islower() else self.word.upper()
            record = record.replace(name.encode(), word.encode())
        return record.replace(b'"b-', b'"%c-' % ord(self.word[0]))


_MARKETS: Final = {
    _CHECKED: _Market("bench"),
    _UNLIMITED: _Market("carte", unlimited=True),
    _WITH_FEES: _Market("tolls", fees=True),
}


async def _measure(
    settings: Settings, count: int, symbols: int, rounds: int
) -> tuple[list[_Round], dict[str, list[_Round]]]:
    # The first round warms all lanes alike and is not measured: Java's compiler is at work in it.
    made = stream(count * (rounds + 1), symbols=symbols)
    values = list(records(made))
    await make_passthrough_topics(settings.connection)
    plain: list[_Round] = []
    engines: dict[str, list[_Round]] = {name: [] for name in _MARKETS}
    with engine_process(settings) as engine, passthrough_process(settings) as passthrough:
        async with LogWriter(settings.connection) as writer, LogReader(settings.connection) as reader:
            way = _Way(settings, writer, reader)
            for market in _MARKETS.values():
                await way.run(engine, ORDERS, OUTPUT_TOPICS, market.opening(symbols))
            for start in range(0, len(values), count):
                chunk = values[start : start + count]
                plain.append(await way.run(passthrough, IN_TOPIC, (OUT_TOPIC,), chunk))
                for name, market in _MARKETS.items():
                    named = [market.named(value) for value in chunk]
                    engines[name].append(await way.run(engine, ORDERS, OUTPUT_TOPICS, named))
    for name, measured in engines.items():
        trades = sum(each.outputs[TRANSACTIONS] for each in measured)
        assert trades == made.facts.trades, f"{name}: {trades} trades, not the {made.facts.trades} that must"
    assert all(each.outputs[OUT_TOPIC] == count for each in plain)
    return plain[1:], {name: measured[1:] for name, measured in engines.items()}


class _Way:
    """Fills a topic while its reader is held, lets go, and sees when the last record has come out."""

    def __init__(self, settings: Settings, writer: LogWriter, reader: LogReader) -> None:
        self._writer = writer
        self._reader = reader
        self._broker = psutil.Process(broker_pid(settings))

    async def run(
        self, process: Measured, source: str, topics: Sequence[str], values: Sequence[bytes]
    ) -> _Round:
        before = await self._ends(topics)
        process.hold()
        await self._writer.append_all(source, [NewRecord(b"bench", value) for value in values])
        processor_s, broker_s = process.processor_s(), self._broker_s()
        start_s = time.perf_counter()
        process.go_on()
        ends, end_s = before, start_s
        # Done is when nothing has come out for a while: the last record that did was the last.
        while time.perf_counter() - end_s < _QUIET_S or ends == before:
            await asyncio.sleep(_SAMPLE_S)
            process.check_alive()
            assert ends != before or time.perf_counter() - start_s < _FIRST_TIMEOUT_S, "nothing comes out"
            now = await self._ends(topics)
            if now != ends:
                ends, end_s = now, time.perf_counter()
        return _Round(
            end_s - start_s,
            process.processor_s() - processor_s,
            self._broker_s() - broker_s,
            {topic: ends[topic] - before[topic] for topic in topics},
        )

    async def _ends(self, topics: Sequence[str]) -> dict[str, int]:
        return {topic: await self._reader.end_offset(topic, 0) for topic in topics}

    def _broker_s(self) -> float:
        times = self._broker.cpu_times()
        return float(times.user + times.system)
