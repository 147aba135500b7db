"""A recorded day run through the market: rows to Kafka, and the engine's answers back."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from engine.domain import SYMBOL_PATTERN, Command, ExecutionType
from engine.identity import SeenOutputs
from engine.log import Connection, LogReader, LogWriter, NewRecord, missing_topics, read_between
from engine.topics import ASSETS, EXECUTIONS, ORDERS, TRANSACTIONS
from engine.units import units_from_decimal
from engine.wire.commands import command_key, encode_command
from engine.wire.records import Transaction, decode_asset, decode_execution, decode_transaction
from homebroker.order_flow.mapping import REPLAY_INVESTOR_ID, FlowMapper, order_id_prefix
from homebroker.order_flow.reading import (
    UNITS_PER_CENTAVO,
    FlowError,
    FlowTrade,
    check_flow,
    read_flow,
    symbol_from_name,
)

# The rows carry no clock, so a paced replay spreads them evenly over the trading session, 10:00 to 16:55.
SESSION_SECONDS = (6 * 60 + 55) * 60
ENGINE_SILENCE_MAX_SECONDS = 60.0
_BATCH_COMMANDS = 500
_PACE_SECONDS = 0.05
_SYMBOL_TRIES_MAX = 1_000
# Each command of a replay is answered by one of these for its own order, whatever else it causes.
_ANSWERS = frozenset(
    {ExecutionType.NEW, ExecutionType.REPLACED, ExecutionType.CANCELED, ExecutionType.REJECTED}
)

Notice: TypeAlias = Callable[[str, int, int], None]
"""Called with a step's name, how many are done and how many there are."""


class ReplayError(RuntimeError):
    """A replay that could not start or end; the sentence says what to do."""


class ReplayResult(Struct, frozen=True, kw_only=True):
    """What came of a replay."""

    symbol: str
    commands: int
    ignored_rows: int
    rejected: int
    trades: list[FlowTrade]
    seconds: float


async def replay_flow(
    connection: Connection, path: Path, *, symbol: str | None, speed: float | None, notice: Notice
) -> ReplayResult:
    """Send a file of order flow through the market and wait until all of it is answered.

    Parameters
    ----------
    connection : Connection
        Where Kafka is.
    path : Path
        The file; checked as a whole before anything is sent.
    symbol : str or None
        A symbol that is not listed yet; None: a free one after the file's name.
    speed : float or None
        Times the real pace, with the rows spread evenly over the session; None: as fast as possible.
    notice : callable
        Told how far the replay is.

    Returns
    -------
    ReplayResult
        The trades as read back from Kafka. `seconds` runs from the first command to the last answer.

    Raises
    ------
    FlowError
        When the file is not as it should be.
    ReplayError
        When the symbol is taken, there is no market, or the engine does not answer.
    LogError
        When Kafka is away.
    """
    summary = await asyncio.to_thread(check_flow, path)
    if missing := await missing_topics(connection):
        raise ReplayError(
            f"Kafka has no topic {', '.join(sorted(missing))}; start the market first: homebroker up"
        )
    symbol = await _free_symbol(connection, symbol, path)
    run = f"r{time.time_ns() // 1_000_000:x}"
    mapper = FlowMapper(symbol, run=run, reference_price_units=summary.reference_price_units)
    starts = await _end_offsets(connection)
    started = time.monotonic()
    seqs = await _send(connection, path, mapper, rows=summary.rows, speed=speed, notice=notice)
    answers = _Answers(order_id_prefix(run), mapper.ending.order_id, seqs)
    await _read_until(connection, EXECUTIONS, starts[EXECUTIONS], answers, notice)
    await _read_until(connection, TRANSACTIONS, starts[TRANSACTIONS], answers, notice)
    return ReplayResult(
        symbol=symbol,
        commands=len(seqs),
        ignored_rows=summary.rows - len(seqs),
        rejected=answers.rejected,
        trades=answers.trades,
        seconds=time.monotonic() - started,
    )


def first_difference(found: list[FlowTrade], expected: list[FlowTrade]) -> str | None:
    """Say where two lists of trades first differ, or None when they are equal, in order."""
    for number, (ours, theirs) in enumerate(itertools.zip_longest(found, expected), start=1):
        if ours != theirs:
            return f"trade {number}: expected {_trade_text(theirs)}, found {_trade_text(ours)}"
    return None


def _trade_text(trade: FlowTrade | None) -> str:
    if trade is None:
        return "none"
    return (
        f"{trade.quantity} at {trade.price_centavos} centavos, buyer {trade.buy_id}, seller {trade.sell_id}, "
        f"caused by row {trade.seq}"
    )


async def _free_symbol(connection: Connection, symbol: str | None, path: Path) -> str:
    if symbol is not None and not re.match(SYMBOL_PATTERN, symbol):
        raise ReplayError(f"{symbol!r} is no symbol; use up to 16 capital letters, digits, dots and dashes.")
    async with LogReader(connection) as reader:
        first, end = await reader.first_offset(ASSETS, 0), await reader.end_offset(ASSETS, 0)
    listed = {
        decode_asset(record.value).symbol
        async for batch in read_between(connection, ASSETS, 0, first, end)
        for record in batch
        if record.value is not None
    }
    if symbol is not None:
        if symbol in listed:
            raise ReplayError(
                f"{symbol} is listed already and its book may not be empty; choose another with --symbol."
            )
        return symbol
    wanted = symbol_from_name(path)
    for number in range(2, _SYMBOL_TRIES_MAX):
        if wanted not in listed:
            return wanted
        suffix = f"-{number}"
        wanted = symbol_from_name(path)[: 16 - len(suffix)] + suffix
    raise ReplayError(f"{symbol_from_name(path)} was replayed too often in this market; name a --symbol.")


async def _end_offsets(connection: Connection) -> dict[str, int]:
    async with LogReader(connection) as reader:
        return {topic: await reader.end_offset(topic, 0) for topic in (EXECUTIONS, TRANSACTIONS)}


async def _send(
    connection: Connection,
    path: Path,
    mapper: FlowMapper,
    *,
    rows: int,
    speed: float | None,
    notice: Notice,
) -> list[int]:
    seqs: list[int] = []
    rows_sent = 0
    async with LogWriter(connection) as writer:
        await writer.append_all(ORDERS, [_record(command) for command in mapper.opening])
        unread = read_flow(path)
        async for rows_max in _batch_sizes(rows, speed):
            batch = list(itertools.islice(unread, rows_max))
            mapped = [(row.seq, command) for row in batch if (command := mapper.map(row)) is not None]
            await writer.append_all(ORDERS, [_record(command) for _, command in mapped])
            seqs += [seq for seq, _ in mapped]
            rows_sent += len(batch)
            notice("sent", rows_sent, rows)
        await writer.append_all(ORDERS, [_record(mapper.ending)])
    if rows_sent != rows:
        raise FlowError(f"{path.name} changed while it was replayed; leave the file alone and replay again.")
    return seqs


async def _batch_sizes(rows: int, speed: float | None) -> AsyncIterator[int]:
    if speed is None:
        for sent in range(0, rows, _BATCH_COMMANDS):
            yield min(_BATCH_COMMANDS, rows - sent)
        return
    rows_per_second = rows / SESSION_SECONDS * speed
    started, sent = time.monotonic(), 0
    while sent < rows:
        due = min(rows, 1 + int((time.monotonic() - started) * rows_per_second))
        if due > sent:
            yield due - sent
            sent = due
        await asyncio.sleep(_PACE_SECONDS)


def _record(command: Command) -> NewRecord:
    return NewRecord(command_key(command), encode_command(command))


class _Answers:
    """What the engine said to one run: which trades to expect, then the trades."""

    def __init__(self, prefix: str, ending_id: str, seqs: list[int]) -> None:
        self.trades: list[FlowTrade] = []
        self.rejected = 0
        self._prefix = prefix
        self._ending_id = ending_id
        self._ended = False
        self._seqs = seqs
        self._seq_at: dict[int, int] = {}
        self._transaction_ids: set[str] = set()
        self._seen = {EXECUTIONS: SeenOutputs(), TRANSACTIONS: SeenOutputs()}

    def take(self, topic: str, value: bytes) -> None:
        if topic == EXECUTIONS:
            self._take_execution(value)
        else:
            self._take_transaction(decode_transaction(value))

    def count(self, topic: str) -> tuple[int, int]:
        if topic == EXECUTIONS:
            return len(self._seq_at) + self._ended, len(self._seqs) + 1
        return len(self.trades), len(self._transaction_ids)

    def _take_execution(self, value: bytes) -> None:
        execution = decode_execution(value)
        ours = execution.investor_id == REPLAY_INVESTOR_ID and execution.order_id.startswith(self._prefix)
        if not ours or not self._seen[EXECUTIONS].is_new(execution):
            return
        if execution.order_id == self._ending_id:
            self._ended = True
            return
        if execution.transaction_id is not None:
            self._transaction_ids.add(execution.transaction_id)
        if execution.execution_type in _ANSWERS:
            self._seq_at[execution.offset] = self._seqs[len(self._seq_at)]
            self.rejected += execution.execution_type is ExecutionType.REJECTED

    def _take_transaction(self, trade: Transaction) -> None:
        if trade.transaction_id not in self._transaction_ids or not self._seen[TRANSACTIONS].is_new(trade):
            return
        self.trades.append(
            FlowTrade(
                # -1: an order that is not of this run came to trade with one that is.
                self._seq_at.get(trade.offset, -1),
                trade.buy_order_id.removeprefix(self._prefix),
                trade.sell_order_id.removeprefix(self._prefix),
                units_from_decimal(trade.price) // UNITS_PER_CENTAVO,
                trade.quantity,
            )
        )


async def _read_until(
    connection: Connection, topic: str, start: int, answers: _Answers, notice: Notice
) -> None:
    step = "matched" if topic == EXECUTIONS else "trades"
    heard = time.monotonic()
    async with LogReader(connection) as reader:
        reader.start({(topic, 0): start})
        while (found := answers.count(topic)) and found[0] < found[1]:
            for record in await reader.read(wait_ms=500):
                if record.value is not None:
                    answers.take(topic, record.value)
            if answers.count(topic) != found:
                heard = time.monotonic()
            elif time.monotonic() - heard > ENGINE_SILENCE_MAX_SECONDS:
                raise ReplayError(
                    f"The engine has not answered for {ENGINE_SILENCE_MAX_SECONDS:.0f} s, "
                    f"{found[0]:,} of {found[1]:,} {step}; look at it with: homebroker status"
                )
            notice(step, *answers.count(topic))
