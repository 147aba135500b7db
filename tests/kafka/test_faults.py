"""Faults, on the real broker and under load: afterwards all is as if nothing had happened.

A few of each here, dozens where HOMEBROKER_TEST_SOAK=1, as in `make soak`. All moments are a seed's.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import get_args

import pytest

from engine.domain import (
    Command,
    Deposit,
    Event,
    Execution,
    ExecutionType,
    OrderType,
    Phase,
    Place,
    Reason,
    SetPhase,
    TimeInForce,
    Withdraw,
)
from engine.log import Connection
from engine.outputs import NOTHING
from engine.shard import Shard
from engine.state import state_digest
from engine.topics import EXECUTIONS, SNAPSHOTS
from engine.verification import Verified, verify
from engine.wire.commands import decode_command
from tests.all_commands import flow
from tests.kafka.clean_run import all_answered, check_outputs, clean_run, topic_values
from tests.kafka.load import RunningEngine, engine_settings, load
from tests.kafka.spoiled_snapshots import (
    Change,
    save_spoiled,
    with_a_byte_flipped,
    with_an_unreadable_manifest,
    with_another_chunks_digest,
    without_chunk,
    without_manifest,
)
from tests.kafka.waiting import end_of, grown
from tests.market import Market, RunningBroker, run_apart, wait_until
from tests.simulation.lives import identity

pytestmark = pytest.mark.kafka
_SOAK = os.environ.get("HOMEBROKER_TEST_SOAK") == "1"
_TAKEOVER_MAX_S = 10.0
# What an engine has sent when it learns that it is no longer the owner may come in yet.
_ENDING_S = 0.5
_RESTORED = "going on from a snapshot"
_PASSED_OVER = "a snapshot is passed over"
_SAVED = "snapshot saved"
_CAUGHT_UP = "caught up with the log"
_STANDS_BY = "owns the shard; standing by"
_CHANGES: dict[str, Change] = {
    "no manifest": without_manifest,
    "a byte flipped": with_a_byte_flipped(0),
    "no chunk": without_chunk(0),
    "another chunk's digest": with_another_chunks_digest,
}


def _rounds(soak: int) -> list[int]:
    """Give seeds: as many as a soak has rounds, or one."""
    return list(range(soak if _SOAK else 1))


def _check(connection: Connection) -> Verified:
    """Wait until every command is answered, and compare all that came out with a clean run."""
    wait_until(lambda: run_apart(all_answered(connection)), "every command is answered")
    run_apart(check_outputs(connection))
    # And so does what the user is given for this; it knows the states that were saved on the way, too.
    verified = run_apart(verify(connection, notice=lambda _done, _all: None))
    assert verified.foreign_snapshots == 0
    return verified


def test_the_load_has_all_that_the_market_knows() -> None:
    shard, happened, commands = Shard(0), list[Event](), list[Command]()
    for offset, record in enumerate(islice(flow(seed=0, start_ms=0), 4_000)):
        commands.append(decode_command(record.value))
        happened += shard.apply(commands[-1], offset=offset, time_ms=record.time_ms or 0)
    reports = [event for event in happened if isinstance(event, Execution)]
    placed = [command for command in commands if isinstance(command, Place)]
    phases = [command.phase for command in commands if isinstance(command, SetPhase)]
    named = [command.transfer_id for command in commands if isinstance(command, Deposit | Withdraw)]
    assert {type(command) for command in commands} == set(get_args(Command))
    assert {report.execution_type for report in reports} == set(ExecutionType)
    assert {
        Reason.SELF_TRADE,
        Reason.WOULD_CROSS,
        Reason.NOT_FILLED,
        Reason.DUPLICATE_TRANSFER_ID,
    } <= {report.reason for report in reports}
    assert {place.type for place in placed} == set(OrderType)
    assert {place.time_in_force for place in placed} == set(TimeInForce)
    assert any(place.display_quantity for place in placed)
    assert set(phases) == set(Phase)
    assert {None, "t-0"} <= set(named)
    # Orders for an auction wait, and meet others when it ends, or end with it.
    of_auctions = {
        (report.time_in_force, report.execution_type)
        for report in reports
        if report.time_in_force in {TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE}
    }
    met = {ExecutionType.NEW, ExecutionType.TRIGGERED, ExecutionType.TRADE, ExecutionType.EXPIRED}
    assert {
        (kind, what) for kind in (TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE) for what in met
    } <= of_auctions


@pytest.mark.parametrize("seed", _rounds(13))
def test_an_engine_killed_at_any_moment_loses_nothing_and_repeats_nothing(market: Market, seed: int) -> None:
    dice = random.Random(seed)
    with RunningEngine(engine_settings(market.settings, market.settings.data_dir)) as engine:
        with load(market.connection, seed=seed):
            engine.wait_until_it_says(_SAVED)
            for _ in range(4 if _SOAK else 3):
                engine.kill_and_start()
                if dice.random() < 0.8:
                    engine.wait_until_ready()
                time.sleep(dice.uniform(0, 2.5))
        engine.kill_and_start()
        engine.wait_until_it_says(_CAUGHT_UP)
        assert _check(market.connection).snapshots > 0
        assert _RESTORED in engine.log


@pytest.mark.parametrize("seed", _rounds(13))
def test_an_engine_killed_while_it_saves_is_restored_from_what_is_whole(market: Market, seed: int) -> None:
    with RunningEngine(engine_settings(market.settings, market.settings.data_dir)) as engine:
        with load(market.connection, seed=100 + seed):
            engine.wait_until_it_says(_SAVED)
            for _ in range(4 if _SOAK else 2):
                run_apart(grown(market.connection, SNAPSHOTS))
                engine.kill_and_start()
                engine.wait_until_it_says(_CAUGHT_UP)
                assert _RESTORED in engine.log
        assert _check(market.connection).snapshots > 0


@pytest.mark.parametrize("change", _CHANGES if _SOAK else list(_CHANGES)[:2])
@pytest.mark.parametrize("seed", _rounds(13))
def test_a_spoiled_snapshot_is_passed_over_for_the_one_before(market: Market, change: str, seed: int) -> None:
    dice = random.Random(seed)
    with RunningEngine(engine_settings(market.settings, market.settings.data_dir)) as engine:
        with load(market.connection, seed=200 + seed):
            engine.wait_until_it_says(_SAVED)
            time.sleep(dice.uniform(0, 2))
            engine.kill()
        run_apart(_save_as_newest(market.connection, _CHANGES[change]))
        engine.kill_and_start()
        engine.wait_until_it_says(_CAUGHT_UP)
        _check(market.connection)
        assert _PASSED_OVER in engine.log
        assert _RESTORED in engine.log


def test_where_no_snapshot_is_good_the_log_is_replayed(market: Market) -> None:
    with RunningEngine(market.settings) as engine:
        with load(market.connection, seed=300):
            engine.wait_until_ready()
            time.sleep(2)
            engine.kill()
        run_apart(_save_as_newest(market.connection, without_chunk(0)))
        run_apart(_save_as_newest(market.connection, with_an_unreadable_manifest))
        engine.kill_and_start()
        engine.wait_until_it_says(_CAUGHT_UP)
        _check(market.connection)
        assert engine.log.count(_PASSED_OVER) == 2
        assert _RESTORED not in engine.log
        run_apart(_save_as_newest(market.connection, lambda _key, value: value, state_hash="another's"))
        engine.kill_and_start()
        engine.wait_until_it_says(_CAUGHT_UP)
        assert "cannot go on from the snapshot; replaying the log" in engine.log
        run_apart(check_outputs(market.connection))


@pytest.mark.parametrize("seed", _rounds(25))
def test_an_engine_that_hung_finds_its_successor_and_stands_by(
    market: Market, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    with RunningEngine(engine_settings(market.settings, tmp_path / "one")) as owner:
        owner.wait_until_it_says(_CAUGHT_UP)
        with RunningEngine(engine_settings(market.settings, tmp_path / "other")) as other:
            other.wait_until_it_says(_STANDS_BY)
            with load(market.connection, seed=400 + seed):
                engines = (owner, other)
                for turn in range(1, 3 if _SOAK else 2):
                    time.sleep(dice.uniform(0.5, 2))
                    engines[0].freeze()
                    engines[1].wait_until_it_says(_CAUGHT_UP, turn)
                    time.sleep(dice.uniform(0, 1))
                    engines[0].freeze(False)
                    engines[0].wait_until_it_says(_STANDS_BY, turn)
                    engines = engines[::-1]
                time.sleep(_ENDING_S)
                alone_from = run_apart(end_of(market.connection, EXECUTIONS))
                run_apart(grown(market.connection, EXECUTIONS))
            _check(market.connection)
            assert run_apart(_repeats(market.connection, EXECUTIONS, alone_from)) == 0, "one serves"


@pytest.mark.parametrize("seed", _rounds(50))
def test_a_second_engine_takes_over_within_ten_seconds_of_a_kill(
    market: Market, tmp_path: Path, seed: int, record_property: Callable[[str, object], None]
) -> None:
    dice = random.Random(seed)
    with RunningEngine(engine_settings(market.settings, tmp_path / "one")) as owner:
        owner.wait_until_it_says(_CAUGHT_UP)
        with RunningEngine(engine_settings(market.settings, tmp_path / "other")) as other:
            other.wait_until_it_says(_STANDS_BY)
            with load(market.connection, seed=500 + seed):
                time.sleep(dice.uniform(0.5, 2))
                owner.kill()
                killed_s = time.monotonic()
                run_apart(grown(market.connection, EXECUTIONS))
                took_s = time.monotonic() - killed_s
            record_property("takeover_s", round(took_s, 2))
            assert took_s < _TAKEOVER_MAX_S
            _check(market.connection)


@pytest.mark.parametrize("seed", _rounds(13))
def test_a_broker_killed_at_any_moment_costs_nothing(kafka_jars: None, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    broker = RunningBroker(tmp_path / "broker")
    settings = broker.settings.model_copy(update={"snapshot_commands": 1_000})
    try:
        with RunningEngine(settings) as engine:
            engine.wait_until_ready()
            with load(broker.connection, seed=600 + seed):
                for _ in range(4 if _SOAK else 1):
                    time.sleep(dice.uniform(0.5, 3))
                    broker.kill()
                    time.sleep(dice.uniform(0, 2))
                    broker.start()
                    run_apart(grown(broker.connection, EXECUTIONS))
            _check(broker.connection)
            assert engine.runs
    finally:
        broker.stop()


async def _repeats(connection: Connection, topic: str, start: int) -> int:
    """Count the records from a place in a topic on that were there before."""
    newest, repeats = NOTHING, 0
    for at, _, value in await topic_values(connection, topic):
        this = identity(value)
        repeats += at >= start and this <= newest
        newest = max(newest, this)
    return repeats


async def _save_as_newest(connection: Connection, change: Change, *, state_hash: str | None = None) -> None:
    """Save the state that a clean run of the log gives, changed on its way."""
    shard, _ = await clean_run(connection)
    state = shard.state()
    await save_spoiled(
        connection,
        change,
        state.offset,
        header=state.describe(),
        parts=[buffer.data for buffer in state.buffers],
        state_hash=state_hash or state_digest(state),
    )
