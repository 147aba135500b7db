"""What a shard does that no scenario can show: its clock, and the rows that orders leave to others."""

from __future__ import annotations

import sys
from itertools import accumulate

import msgspec
import pytest

from engine.domain import Command, Execution, Status, TimeInForce
from engine.kernel.layout import NODE, ORDERS_KEPT
from engine.kernel.memory import give_back, reserved
from engine.shard import Shard
from engine.topics import EXECUTIONS
from tests.simulation.lives import CAPACITY, new_life
from tests.simulation.one_buyer import OPENING, buy
from tests.strategies import Step

_NOON_MS = 1_790_000_000_000


@pytest.fixture
def shard() -> Shard:
    shard = Shard(0, CAPACITY)
    for command in OPENING:
        _run(shard, command)
    return shard


def _run(shard: Shard, command: Command, time_ms: int = _NOON_MS) -> Execution | None:
    report = shard.apply(command, offset=shard.offset + 1, time_ms=time_ms)[0]
    return report if isinstance(report, Execution) else None


def test_a_record_of_an_earlier_time_is_told_at_the_market_s() -> None:
    sent_ms = [_NOON_MS, _NOON_MS + 5_000, _NOON_MS + 5_000, _NOON_MS, _NOON_MS + 4_999, _NOON_MS + 5_001]
    log = [Step(command, _NOON_MS) for command in OPENING]
    log += [Step(buy(f"o-{number}"), time_ms) for number, time_ms in enumerate(sent_ms)]
    for batch in (1, len(log)):
        told = [
            msgspec.json.decode(value)["time_ms"]
            for value in new_life().run(log, batch=batch).topics[EXECUTIONS]
        ]
        assert told == list(accumulate(sent_ms, max))


def test_an_order_of_an_earlier_record_cannot_expire_in_the_market_s_past(shard: Shard) -> None:
    later_ms = _NOON_MS + 5_000
    _run(shard, buy("first"), later_ms)
    for expires_at_ms, status in ((later_ms, Status.REJECTED), (later_ms + 1, Status.NEW)):
        report = _run(
            shard, buy(f"o-{expires_at_ms}", TimeInForce.GTD, expires_at_ms=expires_at_ms), _NOON_MS
        )
        assert report is not None and report.status is status


def test_the_text_of_a_long_id_is_given_back_once(shard: Shard) -> None:
    # Each row serves three orders: one with text elsewhere, one without, and one with again.
    for length in (60, 4, 40):
        ids = [f"{number:0{length}}" for number in range(length * 1_000, length * 1_000 + ORDERS_KEPT + 1)]
        for order_id in ids:
            report = _run(shard, buy(order_id, TimeInForce.IOC))
            assert report is not None and (report.order_id, report.status) == (order_id, Status.NEW)
        shard.check()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no rows are given back")
def test_rows_are_given_back_and_none_beside_them() -> None:
    # Of a size that lets the area begin anywhere; 256 rows of 16 bytes to a page.
    rows = reserved((64 << 20) // NODE.itemsize + 3, NODE)
    rows["bits"][:2048] = 7
    give_back(rows, 256, 1024)
    assert (rows["bits"][:256] == 7).all() and (rows["bits"][1280:2048] == 7).all()
    assert not rows["bits"][256:1280].any()
