"""Tens of thousands of order ids over many days: none that counts is taken twice, none kept for ever."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import msgspec
import numpy as np

from engine.domain import (
    Cancel,
    Command,
    Execution,
    Place,
    Reason,
    TimeInForce,
)
from engine.kernel.layout import CommandKind
from engine.outputs import Outputs
from engine.shard import Shard
from engine.topics import EXECUTIONS
from engine.wire.reader import CommandReader
from tests.output_values import values_by_topic
from tests.simulation.lives import CAPACITY, new_life, raw_records, restored_life
from tests.simulation.one_buyer import OPENING, buy
from tests.simulation.reference_records import reference_topics
from tests.strategies import Step

_DAY_MS = 24 * 3_600_000
# The stroke of midnight in Brasília.
_MIDNIGHT_MS = 1_790_002_800_000 // _DAY_MS * _DAY_MS + 3 * 3_600_000


def _days(per_day: list[int]) -> Iterator[Step]:
    """Give orders, most of which end at once, some soon, some at midnight and a few never; ids come again."""
    dice, given, open_ids = Random(17), list[str](), list[str]()
    for day, count in enumerate(per_day):
        for number in range(count):
            time_ms = _MIDNIGHT_MS + day * _DAY_MS + number
            draw = dice.random()
            if draw < 0.04 and open_ids:
                yield Step(
                    Cancel(order_id=open_ids.pop(dice.randrange(len(open_ids))), investor_id="ana"), time_ms
                )
                continue
            # Of all ids so far a few come again, so that some have been forgotten and some have not.
            if draw < 0.24 and given:
                order_id = dice.choice(given)
            else:
                order_id = f"{day}-{number}"
                given.append(order_id)
            if draw > 0.96:
                open_ids.append(order_id)
                yield Step(buy(order_id), time_ms)
            else:
                ends = TimeInForce.DAY if number % 100 == 0 else TimeInForce.IOC
                yield Step(buy(order_id, ends), time_ms)


def _log(per_day: list[int]) -> list[Step]:
    return [*(Step(command, _MIDNIGHT_MS) for command in OPENING), *_days(per_day)]


def test_ids_of_many_days() -> None:
    log = _log([2_000, 9_000, 9_000, 500, 0, 3_000, 6_000, 4_000])
    expected = reference_topics(log)
    life, sizes, moving = new_life(), set[int](), 0
    topics = {topic: list[bytes]() for topic in life.topics}
    for number, end in enumerate(range(700, len(log) + 700, 700)):
        life.run(log[:end], batch=250)
        state = life.shard.state()
        tables = [part.rows for part in state.description.parts if part.name == "ids"]
        sizes.add(tables[0])
        moving += len(tables) > 1
        if number % 4 == 0:
            life.shard.check()
            topics = {topic: topics[topic] + values for topic, values in life.topics.items()}
            life = restored_life(state)
    topics = {topic: topics[topic] + values for topic, values in life.topics.items()}
    assert topics == expected
    life.shard.check()
    assert life.shard.digest() == new_life().run(log).shard.digest()
    assert len(sizes) > 2 and moving > 2, "the table grows and shrinks, also across snapshots"
    reused = _count_reused(log)
    duplicates = sum(b"duplicate_order_id" in value for value in topics[EXECUTIONS])
    assert 1_000 < duplicates < reused - 1_000


def _count_reused(log: list[Step]) -> int:
    ids = [step.command.order_id for step in log if isinstance(step.command, Place)]
    return len(ids) - len(set(ids))


def _refusal(shard: Shard, command: Command, time_ms: int) -> Reason | None:
    report = shard.apply(command, offset=shard.offset + 1, time_ms=time_ms)[0]
    assert isinstance(report, Execution)
    return report.reason


def test_an_id_may_be_used_again_when_its_order_ended_before_yesterday() -> None:
    shard = Shard(0, CAPACITY)
    for command in OPENING:
        shard.apply(command, offset=shard.offset + 1, time_ms=_MIDNIGHT_MS)
    first, last = _MIDNIGHT_MS, _MIDNIGHT_MS + _DAY_MS - 1
    for order_id, ended_ms in (("early", first), ("late", last)):
        assert _refusal(shard, buy(order_id), ended_ms) is None
        assert _refusal(shard, Cancel(order_id=order_id, investor_id="ana"), ended_ms) is None
    assert _refusal(shard, buy("open"), last) is None
    for order_id in ("early", "late", "open"):
        for time_ms in (last, first + _DAY_MS, last + _DAY_MS):
            again = _refusal(shard, buy(order_id), time_ms)
            assert again is Reason.DUPLICATE_ORDER_ID, (order_id, time_ms)
    for order_id in ("early", "late"):
        assert _refusal(shard, buy(order_id), first + 2 * _DAY_MS) is None
    assert _refusal(shard, buy("open"), first + 9 * _DAY_MS) is Reason.DUPLICATE_ORDER_ID
    shard.check()


def test_when_no_id_fits_any_more_orders_are_refused_until_some_are_forgotten() -> None:
    capacity = msgspec.structs.replace(CAPACITY, ids=1 << 13)
    count = 9_000
    log = [
        Step(command, _MIDNIGHT_MS)
        for command in (*OPENING, *(buy(f"o-{number}", TimeInForce.IOC) for number in range(count)))
    ]
    later_ms = _MIDNIGHT_MS + 2 * _DAY_MS
    log += [Step(buy(f"p-{number}", TimeInForce.IOC), later_ms) for number in range(3_000)]
    life = new_life(capacity).run(log)
    is_full = [
        b'"limit_exceeded"' in value for value in life.topics[EXECUTIONS] if b'"not_filled"' not in value
    ]
    assert 6_000 < is_full.index(True) < 8_192
    assert not any(is_full[-3_000:])
    life.shard.check()


def test_ids_that_differ_in_their_upper_part_alone() -> None:
    # Of a hash's 64 lower bits no two will ever be alike by chance; here all but five are left out, 0 among
    # them, as in a free entry. All ids are sought in two buckets, and move to them when the table grows.
    log = _log([2_500, 5_500, 500])
    shard = Shard(0, CAPACITY)
    reader, outputs = CommandReader(shard.investors, shard.symbols), Outputs(0, {})
    topics = {topic: list[bytes]() for topic in new_life().topics}
    for first in range(0, len(log), 500):
        batch = reader.read(raw_records(log[first : first + 500], first))
        of_orders = np.isin(batch.commands["kind"], (CommandKind.PLACE, CommandKind.CANCEL))
        batch.commands["id_low"][of_orders] %= 5
        shard.apply_all(batch, outputs.add)
        for topic, values in values_by_topic(outputs.take()).items():
            topics.get(topic, []).extend(values)
    assert topics == reference_topics(log)
