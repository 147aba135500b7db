"""What the encoder sends in batches: however it is called, within their bounds, and nothing twice."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import domain
from engine.domain import Phase
from engine.events import domain_events
from engine.kernel import layout
from engine.kernel.layout import CommandKind, EventKind
from engine.messages import Message
from engine.topics import ACCOUNTS, EXECUTIONS
from engine.wire.encoding import ENCODED_TOPICS, EventEncoder
from engine.wire.framing import BATCH_BYTES_MAX
from tests.unit.encoded_records import NOTHING_SENT, SHARD, changed_asset, encoded, expected, opened
from tests.unit.event_rows import Market


def _busy_market() -> Market:
    market = Market()
    owners = [market.position(f"investor-{number}", f"SYM{number}") for number in range(3)]
    orders = [market.order(f"o-{number}", position=number) for number in range(3)]
    for number in range(4):
        command = market.command("o", "", "ana", "PETR4", offset=10 + number, time_ms=1_000 * number)
        for trade in range(3):
            for liquidity in (1, 2):
                market.event(command, order=orders[liquidity], trade=trade, last_price=7, liquidity=liquidity)
        for account in owners:
            for position in owners:
                market.account_event(command, account=account, position=position, quantity=account + 1)
    return market


@given(st.lists(st.integers(0, 60), max_size=6).map(sorted))
@settings(deadline=None)
def test_bytes_do_not_depend_on_the_calls(cuts: list[int]) -> None:
    market = _busy_market()
    encoder = EventEncoder(SHARD, NOTHING_SENT)
    bounds = [0, *cuts, 60]
    for first, end in pairwise(bounds):
        encoder.encode(market.rows(first, end), is_whole=end == 60)
    assert encoder.skipped == 0
    assert opened(encoder.take()) == encoded(market.rows())


@pytest.mark.parametrize("row", range(3))
def test_sent_records_are_left_out(row: int) -> None:
    market = _busy_market()
    every = [record for record in encoded(market.rows()) if record.topic == ENCODED_TOPICS[row]]
    for count in range(len(every) + 1):
        sent = NOTHING_SENT.copy()
        if count:
            last = msgspec.json.decode(every[count - 1].value)
            sent[row] = last["offset"], last["index"]
        encoder = EventEncoder(SHARD, sent)
        encoder.encode(market.rows())
        left = [record for record in opened(encoder.take()) if record.topic == ENCODED_TOPICS[row]]
        assert left == every[count:]
        assert encoder.skipped == count


def test_batches_are_filled_and_no_larger_than_allowed() -> None:
    market = Market()
    command = market.command("o", "", "ana", "PETR4", "x" * 9_000, kind=CommandKind.MALFORMED)
    market.event(command, message=Message.MALFORMED)
    market.events = np.repeat(market.events, 300)
    encoder = EventEncoder(SHARD, NOTHING_SENT)
    encoder.encode(market.rows())
    batches = encoder.take()[EXECUTIONS]
    sizes = [len(batch.records) for batch in batches]
    assert len(batches) > 4
    assert all(BATCH_BYTES_MAX - 10_000 < size <= BATCH_BYTES_MAX for size in sizes[:-1])
    assert [record.value for record in opened({EXECUTIONS: batches})] == [
        record.value for record in expected(market.rows())
    ]


def test_record_larger_than_a_batch_is_one_by_itself() -> None:
    market = Market()
    command = market.command()
    positions = [market.position(f"investor-{number}", f"SYM{number}") for number in range(3)]
    market.account_event(command, account=0, position=positions[0])
    for position in positions * 2_500:
        market.account_event(command, account=1, position=position, cash=-1)
    market.account_event(command, account=2, position=positions[0])
    encoder = EventEncoder(SHARD, NOTHING_SENT)
    encoder.encode(market.rows())
    batches = encoder.take()[ACCOUNTS]
    assert [batch.count for batch in batches] == [1, 1, 1]
    assert len(batches[1].records) > BATCH_BYTES_MAX
    assert opened({ACCOUNTS: batches}) == expected(market.rows())


def test_taken_bytes_stay_until_the_next_take() -> None:
    market = _busy_market()
    encoder = EventEncoder(SHARD, NOTHING_SENT)
    encoder.encode(market.rows())
    taken = encoder.take()
    before = opened(taken)
    for _ in range(50):
        encoder.encode(market.rows())
    assert opened(taken) == before
    assert len(opened(encoder.take())) == 50 * len(before)


def test_assets_are_told_but_not_encoded() -> None:
    market = Market()
    row = np.zeros(1, layout.ASSET_EVENT)
    row["kind"], row["phase"] = EventKind.ASSET, 2
    market.command()
    market.events = row.view(layout.EXECUTION)
    ((command, event),) = domain_events(market.rows(), changed_asset)
    assert command == 0
    assert isinstance(event, domain.AssetChanged) and event.phase is Phase.HALTED
    assert not encoded(market.rows())
