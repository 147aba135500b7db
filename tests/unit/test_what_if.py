"""The same day with other orders, and depth over time."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import homebroker as hb
from bench.flow import flow, opening
from engine.domain import Command, Side
from engine.shard import Shard
from engine.wire.commands import encode_command
from homebroker.research.rows import LoggedCommand
from tests.strategies import SYMBOL, commands
from tests.unit.test_research_replay import NOW_MS, OPENING


def _logged(commands: list[Command], gap_ms: int = 40) -> list[LoggedCommand]:
    return [
        LoggedCommand(offset=2 * place, time_ms=NOW_MS + gap_ms * place, command=command)
        for place, command in enumerate(commands)
    ]


def _place(order_id: str, side: str, quantity: int, price: float, **fields: Any) -> dict[str, Any]:
    return {
        "command": "place",
        "order_id": order_id,
        "investor_id": "ana",
        "symbol": SYMBOL,
        "side": side,
        "quantity": quantity,
        "price": price,
    } | fields


def _day() -> pd.DataFrame:
    """Two sellers, a buyer a second later."""
    rows = [
        {"command": "list_asset", "symbol": SYMBOL, "name": "x", "tick_size": 0.01, "lot_size": 1}
        | {"reference_price": 10.0},
        {"command": "open_account", "investor_id": "ana", "unlimited": True},
        {"command": "open_account", "investor_id": "bia", "unlimited": True},
        _place("s1", "sell", 5, 10.0),
        _place("s2", "sell", 5, 10.02),
        _place("b1", "buy", 5, 10.05, investor_id="bia"),
    ]
    times = pd.to_datetime([NOW_MS + 1_000 * place for place in range(len(rows))], unit="ms", utc=True)
    return pd.DataFrame(rows, index=times.rename("time"))


def test_an_order_before_another_takes_its_shares_and_moves_the_rest() -> None:
    order = {"symbol": SYMBOL, "side": "buy", "quantity": 5, "type": "market", "time_in_force": "ioc"}
    study = hb.what_if([order | {"time_ms": NOW_MS + 4_500}], base=_day())
    assert study.base.transactions[["buy_order_id", "price"]].to_numpy().tolist() == [["b1", 10.0]]
    assert study.changed.transactions[["buy_order_id", "sell_order_id", "price"]].to_numpy().tolist() == [
        ["what-if-1", "s1", 10.0],
        ["b1", "s2", 10.02],
    ]
    assert study.difference[["kind", "buy_order_id", "sell_order_id"]].to_numpy().tolist() == [
        ["new", "what-if-1", "s1"],
        ["gone", "b1", "s1"],
        ["new", "b1", "s2"],
    ]
    assert study.fills["last_quantity"].tolist() == [5]
    summary = study.summary.loc[SYMBOL]
    assert (summary["trades_base"], summary["trades"], summary["last_price"]) == (1, 2, 10.02)


def test_an_order_at_a_recorded_one_s_time_comes_behind_it() -> None:
    study = hb.what_if(
        [_place("mine", "buy", 5, 10.05, investor_id="bia", time_ms=NOW_MS + 5_000)], base=_day()
    )
    assert study.difference["kind"].tolist() == ["new"]
    assert study.fills[["order_id", "last_price"]].to_numpy().tolist() == [["mine", 10.02]]


def test_the_prices_tell_the_impact() -> None:
    lift = _place("lift", "buy", 5, 10.0, investor_id="bia", time_ms=NOW_MS + 4_200)
    bid = _place("bid", "buy", 1, 9.98, investor_id="bia", time_ms=NOW_MS + 3_500)
    prices = hb.what_if([lift, bid], base=_day()).prices(SYMBOL, "1s")
    assert prices["middle"].iloc[-2] == pytest.approx((9.98 + 10.02) / 2)
    assert prices["base_middle"].isna().all()


def test_orders_without_a_time_are_refused() -> None:
    with pytest.raises(ValueError, match="has no time"):
        hb.what_if([_place("o", "buy", 1, 1.0)], base=_day())
    with pytest.raises(ValueError, match="no zone"):
        hb.what_if([_place("o", "buy", 1, 1.0, time="2026-01-01T10:00")], base=_day())
    with pytest.raises(ValueError, match="0 orders to add"):
        hb.what_if([], base=_day())
    with pytest.raises(ValueError, match="with its zone"):
        hb.what_if(pd.DataFrame([_place("o", "buy", 1, 1.0)]), base=_day())


@settings(deadline=None)
@given(st.lists(commands, max_size=30), st.lists(commands, min_size=1, max_size=5), st.data())
def test_a_merged_day_is_the_day_that_was_merged_by_hand(
    recorded: list[Command], added: list[Command], data: st.DataObject
) -> None:
    base = _logged([*OPENING, *recorded])
    times = [data.draw(st.integers(NOW_MS, NOW_MS + 40 * len(base) + 50)) for _ in added]
    records = [
        msgspec.json.decode(encode_command(command)) | {"time_ms": time_ms}
        for command, time_ms in zip(added, times, strict=True)
    ]
    study = hb.what_if(records, base=base)
    by_hand = sorted(
        [(each.time_ms, 0, each.command) for each in base]
        + [(time_ms, 1, command) for time_ms, command in zip(times, added, strict=True)],
        key=lambda each: each[:2],
    )
    expected = hb.replay(
        [
            LoggedCommand(offset=place + 1, time_ms=time_ms, command=command)
            for place, (time_ms, _, command) in enumerate(by_hand)
        ]
    )
    assert_frame_equal(study.changed.transactions, expected.transactions)


# Depth


def test_depth_is_the_book_after_each_command() -> None:
    logged = _logged([*opening(2), *flow(600, symbols=2, seed=4)])
    depth = hb.replay(logged).depth(None, levels=3)
    by_offset = {(row.symbol, row.offset): row for row in depth.itertuples()}
    shard, compared = Shard(0), 0
    for each in logged:
        shard.apply(each.command, offset=each.offset, time_ms=each.time_ms)
        for book in shard.book_snapshots():
            row = by_offset.get((book.symbol, each.offset))
            if row is None:
                continue
            compared += 1
            for name, levels in (("bid", book.bids), ("ask", book.asks)):
                for level in range(1, 4):
                    price = getattr(row, f"{name}_{level}")
                    quantity = getattr(row, f"{name}_quantity_{level}")
                    if level <= len(levels):
                        assert (price, quantity) == (
                            levels[level - 1].price_units / 10_000,
                            levels[level - 1].quantity,
                        )
                    else:
                        assert np.isnan(price) and np.isnan(quantity)
    assert compared == len(depth) > 300


def test_depth_by_intervals_is_the_last_of_each() -> None:
    run = hb.replay(_logged([*opening(1), *flow(900, seed=5)], gap_ms=30))
    every = run.depth(None, levels=2)
    seconds = every.groupby(every.index.floor("1s")).tail(1)
    assert_frame_equal(run.depth("1s", levels=2), seconds)
    assert run.depth("1s", levels=1, symbol="NONE1").empty
    for bad in ("1", "0s", "s", 5):
        with pytest.raises(ValueError, match="is no interval"):
            run.depth(bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="from 1 to"):
        run.depth(levels=0)


def test_the_book_at_the_end_is_the_market_s() -> None:
    run = hb.replay(_day())
    book = run.book(SYMBOL)
    assert book.to_numpy().tolist() == [[Side.SELL, 10.02, 5, 1]]
    with pytest.raises(ValueError, match="not listed"):
        run.book("NONE1")


def test_hashes_tell_tapes_and_states_apart() -> None:
    logged = _logged([*opening(1), *flow(900, seed=7)])
    run, again = hb.replay(logged), hb.replay(logged)
    assert run.tape_hash == again.tape_hash == hb.tape_hash(run.transactions)
    assert run.digest == again.digest
    changed = run.transactions.copy()
    changed.loc[changed.index[3], "quantity"] += 1
    assert hb.tape_hash(changed) != run.tape_hash
    shorter = hb.replay(logged[:-200])
    assert shorter.tape_hash != run.tape_hash and shorter.digest != run.digest


def test_orders_that_trade_with_each_other_twice_are_told_apart() -> None:
    day = [
        *OPENING,
        _place("iceberg", "sell", 10, 10.0, display_quantity=5, investor_id="bia"),
        _place("taker", "buy", 7, 10.0),
    ]
    study = hb.what_if([_place("far", "buy", 1, 1.0, time_ms=0)], base=day)
    assert study.changed.transactions["quantity"].tolist() == [5, 2]
    assert study.difference.empty


def test_depth_goes_by_the_market_s_time_which_never_goes_back() -> None:
    bids = [_place(f"b{number}", "buy", 1, 9.0 + number / 100) for number in range(4)]
    log = hb.replay([*OPENING, *bids]).log
    log.rows["time_ms"] = NOW_MS
    log.rows["time_ms"][-4:] += [0, 5_000, 1_000, 6_000]
    depth = hb.replay(log).depth("1s", levels=1, symbol=SYMBOL)
    assert depth["bid_1"].tolist() == [9.0, 9.02, 9.03]
