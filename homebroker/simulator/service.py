"""The simulator's process: a fresh market is opened and warmed up, then the investors trade live.

Every start in a market with history is a fresh one: the investors' old orders are cancelled, order ids
carry the start's time, and what they see is read from the ends of the topics.
"""

from __future__ import annotations

import asyncio
import itertools
import time

import structlog
from msgspec import Struct

from engine.log import Connection, LogError, LogReader, LogWriter, missing_topics, read_between
from engine.progress import Report, State
from engine.topics import ASSETS, EXECUTIONS, ORDERS
from engine.wire.records import decode_asset, decode_execution
from homebroker.simulator.live import trade_live
from homebroker.simulator.opening import missing_commands, record_of
from homebroker.simulator.warm_up import history

_log = structlog.get_logger("simulator")
_BATCH_COMMANDS = 1_000
_HOUR_MS = 3_600_000
_RETRY_FIRST_S = 1.0
_RETRY_MAX_S = 8.0


class SimulatorConfig(Struct, frozen=True, kw_only=True):
    """What the simulator is asked to do.

    `rate` is in commands a second, `warmup_hours` the history a fresh market gets, `investor_id` whose
    account a demo trades, `wishes_url` the database in which admins' wishes stand (empty: none).
    """

    rate: float = 40.0
    seed: int = 7
    warmup_hours: float = 4.0
    investor_id: str | None = "demo"
    wishes_url: str = ""


async def run(connection: Connection, config: SimulatorConfig, *, report: Report) -> None:
    """Simulate investors until the task is cancelled, and start over whenever Kafka was away.

    Parameters
    ----------
    connection : Connection
        Where Kafka is.
    config : SimulatorConfig
        How much, and with which dice.
    report : Report
        Told `STARTING` until the history is matched, then `READY`; `RETRYING` while Kafka or the engine
        does not answer.
    """
    retry_s = _RETRY_FIRST_S
    while True:
        try:
            await _start_market(connection, config, report)
            retry_s = _RETRY_FIRST_S
            await trade_live(
                connection,
                rate=config.rate,
                seed=config.seed,
                wishes_url=config.wishes_url,
                report=report,
            )
        except LogError as error:
            _log.warning("kafka is away; starting over", error=str(error), retry_s=retry_s)
            report(State.RETRYING, f"Kafka is away; trying again in {retry_s:.0f} s")
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, _RETRY_MAX_S)


async def _start_market(connection: Connection, config: SimulatorConfig, report: Report) -> None:
    report(State.STARTING, "looking for the market's topics")
    while missing := await missing_topics(connection):
        report(State.STARTING, f"waiting for the topics {', '.join(sorted(missing))}")
        await asyncio.sleep(1)
    async with LogReader(connection) as reader:
        is_fresh = await reader.end_offset(ORDERS, 0) == 0
    if is_fresh:
        last_offset = await _warm_up(connection, config, report)
        await _wait_for_engine(connection, last_offset, report)
    else:
        commands = missing_commands(await _listed_symbols(connection), investor_id=config.investor_id)
        async with LogWriter(connection) as writer:
            await writer.append_all(ORDERS, [record_of(command) for command in commands])


async def _warm_up(connection: Connection, config: SimulatorConfig, report: Report) -> int:
    end_ms = time.time_ns() // 1_000_000
    start_ms = end_ms - int(config.warmup_hours * _HOUR_MS)
    timed = history(
        seed=config.seed,
        start_ms=start_ms,
        end_ms=end_ms,
        investor_id=config.investor_id,
        rate=config.rate,
    )
    records = (record_of(command, time_ms) for command, time_ms in timed)
    sent = 0
    async with LogWriter(connection) as writer:
        while batch := list(itertools.islice(records, _BATCH_COMMANDS)):
            await writer.append_all(ORDERS, batch)
            sent += len(batch)
            report(State.STARTING, f"writing {config.warmup_hours:g} h of history: {sent:,} commands")
    _log.info("history written", commands=sent)
    return sent - 1


async def _wait_for_engine(connection: Connection, offset: int, report: Report) -> None:
    # The history ends with an order, and orders are answered on this topic.
    async with LogReader(connection) as reader:
        end = await reader.end_offset(EXECUTIONS, 0)
        reader.start({(EXECUTIONS, 0): max(await reader.first_offset(EXECUTIONS, 0), end - 1)})
        answered = -1
        while answered < offset:
            records = await reader.read(wait_ms=500)
            if records and records[-1].value is not None:
                answered = decode_execution(records[-1].value).offset
            report(
                State.STARTING, f"the engine matches the history: {answered + 1:,} of {offset + 1:,} commands"
            )


async def _listed_symbols(connection: Connection) -> set[str]:
    async with LogReader(connection) as reader:
        first, end = await reader.first_offset(ASSETS, 0), await reader.end_offset(ASSETS, 0)
    return {
        decode_asset(record.value).symbol
        async for batch in read_between(connection, ASSETS, 0, first, end)
        for record in batch
        if record.value is not None
    }
