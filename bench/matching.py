"""The engine in memory, without Kafka: records in, records out, beside decoding and encoding alone."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench.flow import flow, opening
from bench.report import Figure, print_figures
from engine.outputs import Outputs
from engine.shard import Shard
from engine.topics import EXECUTIONS, TRANSACTIONS
from engine.wire.commands import decode_command, encode_command


def run(*, commands: int, symbols: int) -> None:
    """Measure commands a second on one core and print the figures."""
    first = [encode_command(command) for command in opening(symbols)]
    values = first + [encode_command(command) for command in flow(commands, symbols=symbols)]
    passed = _pass_through(values)
    seconds, trades, reports = _engine(values)
    print_figures(
        f"matching, in memory, {symbols} symbol(s), {commands:,} commands",
        [
            Figure("decode and encode alone", len(values) / passed, "commands/s"),
            Figure("engine: decode, match, encode", len(values) / seconds, "commands/s"),
            Figure("engine / decode and encode", passed / seconds, "×"),
            Figure("trades a command", trades / len(values), ""),
            Figure("execution reports a command", reports / len(values), ""),
        ],
    )


def _pass_through(values: Sequence[bytes]) -> float:
    start_s = time.perf_counter()
    for value in values:
        encode_command(decode_command(value))
    return time.perf_counter() - start_s


def _engine(values: Sequence[bytes]) -> tuple[float, int, int]:
    shard, outputs = Shard(0), Outputs(0, {})
    start_s = time.perf_counter()
    for offset, value in enumerate(values):
        events = shard.apply(decode_command(value), offset=offset, time_ms=offset)
        outputs.add(events, offset=offset, time_ms=offset)
        if offset % 1_000 == 999:
            outputs.add_books(shard.take_book_changes())
    seconds = time.perf_counter() - start_s
    records = outputs.take()
    return seconds, len(records.get(TRANSACTIONS, ())), len(records.get(EXECUTIONS, ()))
