"""The stored log run again in memory, beside a real Kafka: equal, or the first record that is not."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import msgspec
import pytest
from rich.console import Console

from engine import service, stored_outputs
from engine.log import Connection, LogWriter, NewRecord
from engine.outputs import IDENTIFIED_TOPICS
from engine.snapshot_records import is_manifest
from engine.snapshot_store import SnapshotStore
from engine.state import ShardState, state_digest
from engine.topics import ACCOUNTS, ASSETS, EXECUTIONS, ORDERS, SNAPSHOTS, TRANSACTIONS
from engine.wire.records import decode_asset
from homebroker.order_flow.verify_command import run_verify
from tests.kafka.clean_run import all_answered
from tests.market import TIMEOUT_S
from tests.seeded_market import records_of
from tests.simulation.lives import Topics, identity, new_life, order_record
from tests.simulation.logs import long_log
from tests.strategies import Step

pytestmark = pytest.mark.kafka
_YEAR_MS = 365 * 24 * 3_600_000
_SAVED = (200, 450)


@cache
def _log() -> list[Step]:
    # Of last year: Kafka takes no order from the future.
    return [Step(step.command, step.time_ms - _YEAR_MS) for step in long_log(seed=41, count=600)]


@cache
def _lived() -> tuple[Topics, tuple[ShardState, ...]]:
    """Give what an engine sends for the log, and its state where snapshots are taken."""
    life, states = new_life(None), []
    for end in (*_SAVED, len(_log())):
        life.run(_log()[:end], batch=64)
        states.append(life.shard.state())
    return life.topics, tuple(states[:-1])


def _topics() -> Topics:
    return {topic: list(values) for topic, values in _lived()[0].items()}


async def _store(connection: Connection, topics: Topics, *hashes: str) -> None:
    """Store the log, outputs and snapshots; these with other hashes where some are given."""
    orders = [NewRecord(b"", order_record(step.command), step.time_ms) for step in _log()]
    async with LogWriter(connection) as writer:
        await writer.append_all(ORDERS, orders)
        for topic, values in topics.items():
            await writer.append_all(topic, [NewRecord(_key(topic, value), value) for value in values])
    states = _lived()[1]
    for state, state_hash in zip(states, hashes or map(state_digest, states), strict=True):
        await _save(connection, state, state.describe(), state_hash)


def _key(topic: str, value: bytes) -> bytes:
    return decode_asset(value).symbol.encode() if topic == ASSETS else b""


async def _save(connection: Connection, state: ShardState, header: bytes, state_hash: str) -> None:
    async with SnapshotStore(connection, 0) as store:
        parts = [buffer.data for buffer in state.buffers]
        sizes = [len(part) for part in parts]
        await store.save(state.offset, header=header, sizes=sizes, pieces=parts, state_hash=state_hash)


async def _verified(connection: Connection, *, patience_s: float = 0.0) -> tuple[int, str]:
    out = io.StringIO()
    code = await asyncio.to_thread(
        run_verify, connection, patience_s=patience_s, console=Console(file=out, width=4_000)
    )
    return code, out.getvalue()


async def test_what_an_engine_left_is_equal(connection: Connection) -> None:
    topics = _topics()
    # As a fail-over leaves them: some records again, the same.
    for topic in (TRANSACTIONS, EXECUTIONS, ACCOUNTS):
        middle = len(topics[topic]) // 2
        topics[topic][middle:middle] = topics[topic][middle - 20 : middle]
        topics[topic] += topics[topic][-5:]
    await _store(connection, topics)
    code, out = await _verified(connection)
    assert code == 0, out
    assert f"Equal: {len(_log()):,} commands" in out
    assert f"{len(_lived()[0][EXECUTIONS]):,} executions" in out
    assert "75 repeats, 2 snapshots" in out


@pytest.mark.parametrize("follows", [False, True])
async def test_reports_from_before_all_terms_were_told_are_equal_and_none_may_follow(
    connection: Connection, *, follows: bool
) -> None:
    topics = _topics()
    reports = topics[EXECUTIONS]
    told = [place for place, value in enumerate(reports) if _without_terms(value) != value]
    older = told[: len(told) // 2] + told[-1:] * follows
    for place in older:
        reports[place] = _without_terms(reports[place])
    await _store(connection, topics)
    code, out = await _verified(connection)
    if follows:
        offset, index = identity(reports[told[-1]])
        assert code == 1
        assert f"Different: {EXECUTIONS}, offset {offset}, index {index}: expected" in out
    else:
        assert code == 0, out
        assert f"{len(older):,} reports of an engine that told less of an order's terms" in out


def _without_terms(report: bytes) -> bytes:
    told = msgspec.json.decode(report)
    rare = {"display_quantity", "post_only", "self_trade", "expires_at_ms"}
    return msgspec.json.encode({name: value for name, value in told.items() if name not in rare})


async def test_what_the_engine_itself_sends_and_saves_is_equal(connection: Connection) -> None:
    engine = asyncio.create_task(
        service.run(connection, report=lambda _state, _detail: None, snapshot_commands=100)
    )
    try:
        async with LogWriter(connection) as writer:
            for start, end in pairwise(range(0, len(_log()) + 1, len(_log()) // 4)):
                part = _log()[start:end]
                records = [NewRecord(b"", order_record(step.command), step.time_ms) for step in part]
                await writer.append_all(ORDERS, records)
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                if await all_answered(connection) and await _is_saved(connection):
                    break
                await asyncio.sleep(0.2)
        # It goes on while it is verified.
        code, out = await _verified(connection, patience_s=10)
    finally:
        engine.cancel()
        await asyncio.wait({engine})
    assert code == 0, out
    assert "Equal: " in out and "0 snapshots" not in out


async def _is_saved(connection: Connection) -> bool:
    return any(is_manifest(record.key) for record in await records_of(connection, SNAPSHOTS))


def _change(topic: str, place: int) -> Callable[[Topics], None]:
    def change(topics: Topics) -> None:
        values = topics[topic]
        values[place] = values[place].replace(b'"time_ms":1', b'"time_ms":2', 1)

    return change


def _miss(topic: str, place: int) -> Callable[[Topics], None]:
    def miss(topics: Topics) -> None:
        del topics[topic][place]

    return miss


@pytest.mark.parametrize("topic", IDENTIFIED_TOPICS)
@pytest.mark.parametrize(("spoil", "place"), [(_change, 7), (_miss, -1)])
async def test_a_record_that_is_not_what_it_should_be_is_named(
    connection: Connection, topic: str, spoil: Callable[[str, int], Callable[[Topics], None]], place: int
) -> None:
    topics = _topics()
    expected = topics[topic][place]
    spoil(topic, place)(topics)
    await _store(connection, topics)
    code, out = await _verified(connection)
    assert code == 1
    offset, index = identity(expected)
    assert f"Different: {topic}, offset {offset}, index {index}: expected {expected.decode()}" in out
    found = topics[topic][place].decode() if spoil is _change else "nothing"
    assert f"found {found}" in out


async def test_a_repeat_that_differs_is_named(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The newest that are remembered begin with what is repeated.
    monkeypatch.setattr(stored_outputs, "_REMEMBERED_MAX", 4)
    topics = _topics()
    repeat = topics[EXECUTIONS][5].replace(b'"time_ms":1', b'"time_ms":2', 1)
    topics[EXECUTIONS].insert(9, repeat)
    await _store(connection, topics)
    code, out = await _verified(connection)
    assert code == 1
    offset, index = identity(repeat)
    assert f"Different: {EXECUTIONS}, offset {offset}, index {index}: expected" in out
    assert f"found {repeat.decode()}" in out


async def test_what_is_no_record_of_ours_is_named(connection: Connection) -> None:
    topics = _topics()
    topics[ACCOUNTS].insert(4, b"\xff nonsense")
    await _store(connection, topics)
    code, out = await _verified(connection)
    assert code == 1
    assert f"Different: {ACCOUNTS}, " in out and "found \\xff nonsense" in out


async def test_a_record_too_many_is_named(connection: Connection) -> None:
    topics = _topics()
    last = topics[TRANSACTIONS][-1]
    offset, index = identity(last)
    topics[TRANSACTIONS].append(last.replace(b'"index":%d' % index, b'"index":%d' % (index + 1)))
    await _store(connection, topics)
    code, out = await _verified(connection)
    assert code == 1
    assert f"Different: {TRANSACTIONS}, offset {offset}, index {index + 1}: expected nothing, found" in out


async def test_older_assets_may_be_gone(connection: Connection) -> None:
    topics = _topics()
    newest = {decode_asset(value).symbol: value for value in topics[ASSETS]}
    assert len(newest) < len(topics[ASSETS])
    topics[ASSETS] = sorted(newest.values(), key=identity)
    await _store(connection, topics)
    code, out = await _verified(connection)
    assert code == 0, out
    assert f"{len(newest):,} assets" in out


async def test_a_state_that_the_log_does_not_give_is_named(connection: Connection) -> None:
    first, second = map(state_digest, _lived()[1])
    await _store(connection, _topics(), first, "00" + second[2:])
    code, out = await _verified(connection)
    assert code == 1
    offset = _SAVED[1] - 1
    assert f"Different: snapshots, offset {offset}, index 0: expected {second}, found 00{second[2:]}" in out


async def test_a_state_that_another_version_saved_is_not_compared(connection: Connection) -> None:
    await _store(connection, _topics())
    state = _lived()[1][0]
    foreign = state.describe().replace(b'"version":', b'"version":9')
    await _save(connection, state, foreign, "00")
    code, out = await _verified(connection)
    assert code == 0, out
    assert "2 snapshots, 1 snapshots of another version not compared." in out
