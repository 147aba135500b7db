"""The engine beside the real broker: killed, cut off, fed nonsense, and none the worse for it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest

from bench.flow import opening
from engine.log import Connection, LogError, LogWriter, NewRecord
from engine.outputs import NOTHING
from engine.progress import State
from engine.recovery import identities_sent
from engine.service import UnusableLogError, run
from engine.topics import EXECUTIONS, ORDERS, TRANSACTIONS
from engine.wire.commands import encode_command
from engine.wire.records import decode_execution
from tests.all_commands import DAY_MS, flow
from tests.kafka.clean_run import all_answered, check_outputs, topic_values
from tests.kafka.waiting import end_of, grown
from tests.market import Market, RunningBroker, run_apart, start_part, stop_part, wait_until, wait_until_ready

pytestmark = pytest.mark.kafka
_KILLS = 40 if os.environ.get("HOMEBROKER_TEST_SOAK") == "1" else 3
_PLACE = {
    "command": "place",
    "order_id": "bad",
    "investor_id": "bench",
    "symbol": "BENCH0",
    "side": "buy",
    "quantity": 1,
    "price": 40.0,
}


async def _send(connection: Connection, records: Sequence[NewRecord]) -> None:
    async with LogWriter(connection) as writer:
        await writer.append_all(ORDERS, records)


def _records(values: Sequence[bytes]) -> list[NewRecord]:
    return [NewRecord(b"bench", value) for value in values]


def _flow(seed: int, count: int) -> list[NewRecord]:
    """Give commands of every kind, of days long past; the last is one that a report answers."""
    records = flow(seed=seed, start_ms=(time.time_ns() // 1_000_000 // DAY_MS - 100) * DAY_MS)
    return [*islice(records, count - 1), NewRecord(None, b"the flow ends here", next(records).time_ms)]


def test_engine_killed_while_it_catches_up_loses_nothing_and_repeats_nothing(market: Market) -> None:
    """With no snapshot to go on from: each life runs the log from its beginning and sends what is missing."""
    dice = random.Random(20261122)
    records = _flow(seed=1, count=_KILLS * 3_000)
    for start in range(0, len(records), 3_000):
        run_apart(_send(market.connection, records[start : start + 3_000]))
        sent = run_apart(end_of(market.connection, EXECUTIONS))
        engine = start_part(market.settings, "engine")
        try:
            # It has come to what no life before has sent: now and not while it still loads.
            run_apart(grown(market.connection, EXECUTIONS, beyond=sent))
            time.sleep(dice.choice((0, 0, dice.uniform(0, 0.1))))
        finally:
            stop_part(engine, signal.SIGKILL)
    engine = start_part(market.settings, "engine")
    try:
        wait_until_ready(market.settings, "engine")
        wait_until(lambda: run_apart(all_answered(market.connection)), "every command is answered")
        run_apart(check_outputs(market.connection))
    finally:
        stop_part(engine)


def test_engine_outlives_a_broker_that_is_killed(kafka_jars: None, tmp_path: Path) -> None:
    broker = RunningBroker(tmp_path)
    engine = start_part(broker.settings, "engine")
    try:
        wait_until_ready(broker.settings, "engine")
        records = _flow(seed=2, count=3_500)
        run_apart(_send(broker.connection, records[:3_000]))
        broker.kill()
        broker.start()
        run_apart(_send(broker.connection, records[3_000:]))
        wait_until(lambda: run_apart(all_answered(broker.connection)), "every command is answered")
        assert engine.poll() is None
        run_apart(check_outputs(broker.connection))
    finally:
        stop_part(engine)
        broker.stop()


async def test_nonsense_is_answered_and_stops_nothing(connection: Connection) -> None:
    nonsense: list[bytes] = [
        b"",
        b"not json",
        b"\x00\xff",
        b"[1, 2, 3]",
        b'{"command":"fly"}',
        b"[" * 5_000,
        json.dumps(_PLACE | {"note": "x" * 900_000}).encode(),
        json.dumps(_PLACE | {"symbol": "XXXX9"}).encode(),
        json.dumps(_PLACE | {"quantity": -5}).encode(),
        json.dumps(_PLACE | {"quantity": 1.5}).encode(),
        json.dumps(_PLACE | {"quantity": 10**40}).encode(),
        json.dumps(_PLACE | {"price": 1e18}).encode(),
        json.dumps(_PLACE | {"price": 40.001}).encode(),
        json.dumps(_PLACE | {"investor_id": "nobody"}).encode(),
    ]
    good = json.dumps(_PLACE | {"order_id": "good"}).encode()
    values = [encode_command(command) for command in opening(1)]
    before = len(values)
    engine = asyncio.create_task(run(connection, report=lambda _state, _detail: None))
    try:
        await _send(connection, _records([*values, *nonsense, good, good]))
        while not await all_answered(connection):
            assert not engine.done()
            await asyncio.sleep(0.1)
    finally:
        engine.cancel()
        await asyncio.gather(engine, return_exceptions=True)
    reports = [decode_execution(value) for _, _, value in await topic_values(connection, EXECUTIONS)]
    answers = {report.offset: report for report in reports}
    for offset in range(before, before + len(nonsense)):
        assert answers[offset].status == "rejected"
        assert answers[offset].message
    reasons = [answers[offset].reason for offset in range(before, before + len(nonsense))]
    assert reasons == ["malformed"] * 7 + ["unknown_symbol"] + ["malformed"] * 4 + [
        "bad_price",
        "unknown_investor",
    ]
    accepted, repeated = (answers[before + len(nonsense) + n] for n in (0, 1))
    assert (accepted.status, repeated.reason) == ("new", "duplicate_order_id")


async def test_broker_refuses_a_record_that_would_run_the_clock_ahead(connection: Connection) -> None:
    ahead_ms = 60_000
    async with LogWriter(connection) as writer:
        offset = await writer.append(ORDERS, NewRecord(b"bench", b"{}"))
        (kept,) = await topic_values(connection, ORDERS)
        with pytest.raises(LogError):
            await writer.append(ORDERS, NewRecord(b"bench", b"{}", kept[1] + ahead_ms))
        await writer.append(ORDERS, NewRecord(b"bench", b"{}", 1_000))
    assert [at for at, _, _ in await topic_values(connection, ORDERS)] == [offset, offset + 1]


async def test_the_newest_output_is_found_behind_repeats_of_older_ones(connection: Connection) -> None:
    """As an engine leaves them that hung, and goes on for a moment beside its successor."""
    async with LogWriter(connection) as writer:
        await writer.append_all(ORDERS, _records([b"{}"] * 40))
        sent = [(9, 0), (30, 0), (30, 11), (9, 0), (30, 2)]
        values = [b'{"offset":%d,"index":%d}' % identity for identity in sent]
        await writer.append_all(EXECUTIONS, _records(values))
    found = await identities_sent(connection, 0)
    assert (found[EXECUTIONS], found[TRANSACTIONS]) == ((30, 11), NOTHING)


async def test_outputs_of_another_market_are_refused(connection: Connection) -> None:
    async with LogWriter(connection) as writer:
        await writer.append(TRANSACTIONS, NewRecord(b"PETR4", b'{"offset": 99, "index": 0}'))
    told: list[tuple[State, str]] = []
    with pytest.raises(UnusableLogError, match="not of one market"):
        await run(connection, report=lambda state, detail: told.append((state, detail)))
