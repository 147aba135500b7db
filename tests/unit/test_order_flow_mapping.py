"""Order flow mapped to commands gives the trades that an independent matcher, and the exchange, gave."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain import Amend, Cancel, ListAsset, OpenAccount, Place, Side
from engine.wire.commands import decode_command, encode_command
from homebroker.order_flow.mapping import FlowMapper, map_flow
from homebroker.order_flow.reading import FlowRow, Op, check_flow, read_flow, read_trades
from homebroker.order_flow.replay import first_difference
from tests.unit.order_flow import expected_trades, flow_text, random_flow

GOLDEN = Path(__file__).parents[1] / "golden"
SHARED_DATA = Path(
    os.environ.get("HOMEBROKER_TEST_DATA") or Path(__file__).parents[2].parent / "shared" / "data"
)
B3_COMMANDS = SHARED_DATA / "b3_petr4f.commands.csv.gz"
B3_TRADES = SHARED_DATA / "b3_petr4f.trades.csv.gz"


def mapped(rows: list[FlowRow]) -> FlowMapper:
    mapper = FlowMapper("TEST3", run="run", reference_price_units=100_000)
    for row in rows:
        mapper.map(row)
    return mapper


@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_random_days_trade_as_the_independent_matcher_says(seed: int) -> None:
    flow = random_flow(seed, rows=200)
    assert mapped(flow).trades == expected_trades(flow)


def test_random_days_do_trade_and_use_every_op() -> None:
    flow = random_flow(1, rows=400)
    assert {row.op for row in flow} == set(Op)
    assert len(expected_trades(flow)) > 50


def test_the_golden_day() -> None:
    flow = list(read_flow(GOLDEN / "order_flow.csv"))
    trades = list(read_trades(GOLDEN / "order_flow.trades.csv"))
    assert mapped(flow).trades == trades
    assert expected_trades(flow) == trades


def test_a_replacement_of_a_part_filled_order_asks_for_the_new_total() -> None:
    rows = [
        FlowRow(0, Op.REST, "a", Side.BUY, 1000, 50),
        FlowRow(1, Op.LIMIT, "b", Side.SELL, 1000, 20),
        FlowRow(2, Op.REPLACE, "a", Side.BUY, 990, 30),
        FlowRow(3, Op.REPLACE, "b", Side.SELL, 990, 30),
        FlowRow(4, Op.CANCEL, "b", Side.SELL, None, None),
        FlowRow(5, Op.CANCEL, "a", Side.BUY, None, None),
    ]
    commands = list(map_flow(rows, symbol="TEST3", run="r1", reference_price_units=100_000))
    assert [type(command) for command in commands] == [ListAsset, OpenAccount, Place, Place, Amend, Cancel]
    assert commands[4] == Amend(order_id="r1:a", investor_id="replay", quantity=50, price_units=99_000)


def test_the_commands_survive_the_wire() -> None:
    flow = random_flow(3, rows=300)
    for command in map_flow(flow, symbol="TEST3", reference_price_units=100_000):
        assert decode_command(encode_command(command)) == command


def test_written_flow_reads_back(tmp_path: Path) -> None:
    flow = random_flow(5, rows=300)
    path = tmp_path / "day.csv"
    path.write_text(flow_text(flow))
    assert list(read_flow(path)) == flow
    assert check_flow(path).rows == 300


def test_the_first_difference_is_told() -> None:
    trades = expected_trades(random_flow(1, rows=200))
    assert first_difference(trades, trades) is None
    other = [*trades[:2], trades[2]._replace(quantity=7_777), *trades[3:]]
    assert (first_difference(other, trades) or "").startswith("trade 3: expected ")
    assert (first_difference(trades[:-1], trades) or "").endswith("found none")
    assert "expected none" in (first_difference(trades, trades[:-1]) or "")


@pytest.mark.skipif(not B3_COMMANDS.exists(), reason=f"the exchange's day is not at {SHARED_DATA}")
def test_the_real_day_gives_the_exchanges_own_trades() -> None:
    mapper = mapped(list(read_flow(B3_COMMANDS)))
    assert first_difference(mapper.trades, list(read_trades(B3_TRADES))) is None
    assert len(mapper.trades) == 627
