"""Commands through the engine in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs
from pandas import testing

import homebroker as hb
from bench.flow import flow, opening
from engine.domain import Command, ListAsset, Malformed, OpenAccount, Place, SelfTrade, Side
from engine.outputs import Outputs
from engine.shard import Shard
from engine.topics import EXECUTIONS, TRANSACTIONS
from engine.wire.commands import encode_command, record_fields
from engine.wire.records import ExecutionReport, Transaction, decode_execution, decode_transaction
from engine.wire.rows import CommandRows
from homebroker.research.command_table import command_table
from homebroker.research.frames import frame_of, pandas_of
from homebroker.research.rows import COMMANDS, CommandRow, LoggedCommand
from homebroker.research.schemas import table_of_structs
from tests.output_values import values_by_topic
from tests.simulation.logs import long_log
from tests.strategies import INVESTORS, SYMBOL, commands

# To the last bit: by default floats need only be near.
assert_frame_equal = partial(testing.assert_frame_equal, check_exact=True)
NOW_MS = 1_790_000_000_000
NOW = datetime.fromtimestamp(NOW_MS / 1_000, UTC)
ROOT = Path(__file__).parent.parent.parent
OPENING: list[Command] = [
    ListAsset(symbol=SYMBOL, name=SYMBOL, tick_size_units=100, lot_size=1, reference_price_units=100_000),
    *(OpenAccount(investor_id=investor, unlimited=True) for investor in INVESTORS),
]


def _logged(commands: list[Command]) -> list[LoggedCommand]:
    return [
        LoggedCommand(offset=3 * place, time_ms=NOW_MS + 40 * place, command=command)
        for place, command in enumerate(commands)
    ]


def _row(logged: LoggedCommand) -> CommandRow:
    command = logged.command
    is_malformed = isinstance(command, Malformed)
    fields = structs.asdict(command) if is_malformed else record_fields(command)
    (name,) = [name for name, kind in COMMANDS.items() if kind is type(command)]
    return CommandRow(offset=logged.offset, time_ms=logged.time_ms, command=name, **fields)


def _through_outputs(logged: list[LoggedCommand]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give what the engine would send for the same log, read back from its bytes."""
    shard, outputs = Shard(0), Outputs(0, {})
    rows = CommandRows(shard.investors, shard.symbols)
    for each in logged:
        rows.add(each.command, each.offset, each.time_ms)
    shard.apply_all(rows, outputs.add)
    sent = values_by_topic(outputs.take())
    trades = [decode_transaction(value) for value in sent[TRANSACTIONS]]
    reports = [decode_execution(value) for value in sent[EXECUTIONS]]
    return frame_of(Transaction, trades), frame_of(ExecutionReport, reports)


def test_a_replay_gives_what_the_engine_sends() -> None:
    logged = _logged([*opening(2), *flow(4_000, symbols=2, seed=3)])
    run = hb.replay(logged)
    trades, reports = _through_outputs(logged)
    assert len(trades) > 500
    assert_frame_equal(run.transactions, trades)
    assert_frame_equal(run.executions, reports)


def test_a_replay_of_every_kind_of_command_and_order_gives_what_the_engine_sends() -> None:
    logged = [
        LoggedCommand(offset=place, time_ms=step.time_ms, command=step.command)
        for place, step in enumerate(long_log(seed=5, count=600))
    ]
    again = OpenAccount(investor_id=INVESTORS[0], unlimited=True)
    logged.append(LoggedCommand(offset=len(logged), time_ms=logged[-1].time_ms, command=again))
    run = hb.replay(logged)
    trades, reports = _through_outputs(logged)
    assert reports["expires_at_ms"].notna().any() and reports["display_quantity"].notna().any()
    assert reports["post_only"].any() and reports["self_trade"].nunique() == len(SelfTrade)
    assert reports["reason"].iloc[-1] == "duplicate_investor"
    assert_frame_equal(run.transactions, trades)
    assert_frame_equal(run.executions, reports)


@settings(deadline=None)
@given(st.lists(st.one_of(commands, st.just(Malformed(message="no JSON", investor_id="ana"))), max_size=40))
def test_a_table_of_orders_replays_as_the_orders_themselves(some: list[Command]) -> None:
    logged = _logged([*OPENING, *some])
    direct = hb.replay(logged)
    table = command_table(direct.log)
    expected = table_of_structs(CommandRow, [_row(each) for each in logged])
    assert table.equals(expected)
    for form in (pandas_of(table), table):
        through_table = hb.replay(form)
        assert_frame_equal(through_table.transactions, direct.transactions)
        assert_frame_equal(through_table.executions, direct.executions)
        assert through_table.digest == direct.digest


_ODD_ROWS = st.fixed_dictionaries(
    {"command": st.sampled_from(["place", "cancel", "amend", "cancel_all", "buy", "deposit"])},
    optional={
        "order_id": st.sampled_from(
            ["o-1", "o-2", 'say "o"', "back\\slash", "ação", "", "x" * 65, "line\nfeed"]
        ),
        "investor_id": st.sampled_from(["ana", "bia", "nobody", "", "i" * 65]),
        "client_order_id": st.sampled_from(["c", "", 'c"']),
        "symbol": st.sampled_from([SYMBOL, "NONE1", "petr4", "", "A" * 17]),
        "side": st.sampled_from(["buy", "sell", "hold"]),
        "type": st.sampled_from(["limit", "market", "stop_limit", "iceberg"]),
        "time_in_force": st.sampled_from(["gtc", "ioc", "gtd", "at_close", "never"]),
        "self_trade": st.sampled_from(["none", "expire_maker", "perhaps"]),
        "price": st.sampled_from([10.0, 10.01, 9.99, 10.00001, -1.0, 0.0, 1e6, 1e6 + 1, 0.0001]),
        "stop_price": st.sampled_from([10.0, 0.0, 10.00005]),
        "quantity": st.sampled_from([1.0, 5.0, 1.5, 0.0, -3.0, 1e8, 1e8 + 1]),
        "display_quantity": st.sampled_from([1.0, 2.5, 0.0]),
        "expires_at_ms": st.sampled_from([float(NOW_MS + 60_000), 0.0, -1.0, 1.5]),
        "post_only": st.booleans(),
    },
)


@settings(deadline=None, max_examples=25)
@given(st.lists(_ODD_ROWS, min_size=1, max_size=8))
@example(
    [{"command": "cancel_all", "investor_id": "ana", "symbol": symbol} for symbol in ("petr4", ".A", "A.-")]
)
def test_odd_rows_of_a_table_are_read_as_records_are(rows: list[dict[str, Any]]) -> None:
    opening = [msgspec.json.decode(encode_command(command)) for command in OPENING]
    # What a person's table holds: floats where a column has gaps, and NaN or None where nothing is.
    table = pd.DataFrame([*opening, *rows])
    table.index = pd.DatetimeIndex([NOW] * len(table), name="time").as_unit("ms")
    whole = {"quantity", "display_quantity", "expires_at_ms"}
    records = [
        {
            name: int(value) if name in whole and float(value).is_integer() else value
            for name, value in row.items()
        }
        for row in rows
    ]
    by_records = hb.replay([*opening, *records]).executions
    by_table = hb.replay(table).executions
    assert by_table["status"].tolist() == by_records["status"].tolist()
    columns = ["order_id", "investor_id", "symbol", "execution_type", "reason", "price", "quantity"]
    columns += ["side", "type", "time_in_force", "stop_price", "client_order_id", "filled_quantity"]
    assert_frame_equal(by_table[columns].reset_index(drop=True), by_records[columns].reset_index(drop=True))


def test_a_name_used_in_a_table_before_it_appears_is_not_known_yet() -> None:
    early = [_order("o-1", "ana", Side.BUY, 1, 1_000), _order("o-2", "ana", Side.BUY, 2, 1_000)]
    listing, *accounts = OPENING
    logged = _logged([early[0], listing, early[1], *accounts, _order("o-3", "ana", Side.BUY, 3, 1_000)])
    direct = hb.replay(logged)
    refusals = direct.executions["reason"].dropna().astype(str).tolist()
    assert refusals == ["unknown_investor", "unknown_investor"]
    table = command_table(direct.log)
    # The rows themselves: what they call known decides what the shard may look up.
    for name in ("account", "asset"):
        assert hb.replay(table).log.rows[name].tolist() == direct.log.rows[name].tolist()
    assert_frame_equal(hb.replay(table).executions, direct.executions)


def test_commands_in_every_form_replay_alike() -> None:
    values = [*opening(1), *flow(300, seed=5)]
    records = [msgspec.json.decode(encode_command(command)) for command in values]
    assert_frame_equal(hb.replay(values).transactions, hb.replay(iter(records)).transactions)
    assert_frame_equal(hb.replay(values).executions, hb.replay(records).executions)


def test_a_replay_in_pieces_is_the_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    logged = _logged([*opening(1), *flow(1_000, seed=6)])
    whole = hb.replay(logged)
    monkeypatch.setattr("homebroker.research.replaying._PIECE_COMMANDS", 64)
    assert_frame_equal(hb.replay(logged).executions, whole.executions)
    assert_frame_equal(hb.replay(logged).transactions, whole.transactions)


def test_a_replay_refuses_what_is_no_log() -> None:
    with pytest.raises(ValueError, match="in the log's order"):
        hb.replay([*reversed(_logged(OPENING))])
    with pytest.raises(ValueError, match="is no command"):
        hb.replay(["place"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="no table of commands"):
        hb.replay(pd.DataFrame({"price": [1.0]}))
    with pytest.raises(ValueError, match="no table of commands"):
        hb.replay(pd.DataFrame({"command": ["cancel"]}))
    wrong = hb.replay([{"command": "buy", "symbol": "PETR4"}]).executions.iloc[0]
    assert (wrong["status"], wrong["reason"]) == ("rejected", "malformed")


def test_average_prices_are_cut_to_eight_decimals_as_the_engine_s_are() -> None:
    commands = [
        _order(f"s{place}", "bia", Side.SELL, quantity, cents)
        for place, (quantity, cents) in enumerate([(1, 1_000), (2, 1_001), (4, 1_003)])
    ]
    logged = _logged([*OPENING, *commands, _order("b", "ana", Side.BUY, 7, 1_010)])
    run = hb.replay(logged)
    filled = run.executions[run.executions["order_id"] == "b"]
    # 10, 30.02 / 3 and 70.14 / 7; none is rounded up.
    assert filled["average_price"].dropna().tolist() == [10.0, 10.00666666, 10.02]
    assert_frame_equal(run.executions, _through_outputs(logged)[1])


def _order(order_id: str, investor_id: str, side: Side, quantity: int, cents: int) -> Place:
    return Place(
        order_id=order_id,
        investor_id=investor_id,
        symbol=SYMBOL,
        side=side,
        quantity=quantity,
        price_units=100 * cents,
    )


def test_what_a_record_lacks_is_missing_and_what_it_has_is_exact() -> None:
    run = hb.replay([*OPENING, {"command": "cancel", "order_id": "none", "investor_id": "ana"}])
    refused = run.executions.iloc[-1]
    assert refused["reason"] == "unknown_order"
    assert refused[["side", "price", "quantity", "average_price", "transaction_id"]].isna().all()
    assert run.executions["quantity"].dtype == "Int64"
    assert run.executions["filled_quantity"].dtype == np.int64
    big = hb.replay(
        [
            *OPENING,
            {
                "command": "place",
                "order_id": "o",
                "investor_id": "ana",
                "symbol": SYMBOL,
                "side": "buy",
                "quantity": 99_999_999,
                "price": 999_999.99,
            },
        ]
    ).executions.iloc[-1]
    assert (big["quantity"], big["price"]) == (99_999_999, 999_999.99)
