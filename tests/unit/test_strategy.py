"""Strategies over a recorded market: their orders are in the book, late, charged, and told as live."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import homebroker as hb
from engine.domain import Cancel, Command, Place, Side
from engine.wire.commands import record_fields
from homebroker.research.command_log import CommandLog
from homebroker.strategy import Desk, Strategy, TapeTrade
from homebroker.strategy.examples import MarketMaker, Momentum, VwapExecution
from tests.unit.scripted_strategy import (
    START_MS,
    SYMBOL,
    Scripted,
    doing,
    market_of,
    place,
    recorded,
)


@pytest.fixture(scope="module")
def day() -> CommandLog:
    """Give half an hour of the simulated market."""
    return recorded(minutes=30)


@pytest.fixture(scope="module")
def minutes() -> CommandLog:
    """Give ten minutes of it, for what is run over and over."""
    return recorded(minutes=10)


@pytest.mark.parametrize("order_ms", [1_000, 1_500])
def test_an_order_waits_behind_those_that_were_there_before(order_ms: float) -> None:
    market = market_of(
        place("first", Side.BUY, 10, 1_000),  # at 1 s, before the strategy's of 1.5 s, or of that very 1 s
        place("s1", Side.SELL, 4, 1_000),  # 2 s
        place("later", Side.BUY, 10, 1_000),  # 3 s
        place("s2", Side.SELL, 9, 1_000),  # 4 s
        place("s3", Side.SELL, 9, 1_000),  # 5 s
    )
    strategy = doing(lambda desk: desk.place("buy", 5, 10.0))
    report = hb.backtest(
        strategy,
        market,
        SYMBOL,
        latency=hb.Latency(order_ms=order_ms, feed_ms=0),
        account=hb.Account(cash=500),
    )
    # The first ten go to `first`, the next five are ours, before `later`.
    assert report.fills[["price", "quantity", "liquidity"]].to_numpy().tolist() == [
        [10.0, 3, "maker"],
        [10.0, 2, "maker"],
    ]
    assert report.fills.index.tolist() == [
        pd.Timestamp(START_MS + second * 1_000, unit="ms", tz="UTC") for second in (4, 5)
    ]
    assert report.fills["position"].tolist() == [3, 5]
    assert report.fills["cash"].tolist() == [470.0, 450.0]


def test_what_it_sees_is_late_and_so_are_its_orders() -> None:
    class Reacts(Scripted):
        def on_trade(self, desk: Desk, trade: TapeTrade) -> None:
            super().on_trade(desk, trade)
            if len([told for told in self.told if told[0] == "trade"]) == 1:
                desk.place("sell", 1, 10.0)

    market = market_of(
        place("b1", Side.BUY, 1, 1_000),
        place("s1", Side.SELL, 1, 1_000),  # 2 s: heard at 2.3 s, ordered for 2.5 s
        place("b2", Side.BUY, 1, 1_000),  # 3 s
        place("s2", Side.SELL, 1, 1_000, self_trade="none"),
    )
    strategy = Reacts()
    report = hb.backtest(strategy, market, SYMBOL, latency=hb.Latency(feed_ms=300, order_ms=200))
    assert next(told for told in strategy.told if told[0] == "trade")[1] == START_MS + 2_300
    (order,) = report.orders.itertuples()
    assert order.Index == pd.Timestamp(START_MS + 2_300, unit="ms", tz="UTC")
    # It rests from 2.5 s on, and b2 takes it at 3 s.
    assert report.fills.index.tolist() == [pd.Timestamp(START_MS + 3_000, unit="ms", tz="UTC")]
    fill = next(told for told in strategy.told if told[0] == "fill")
    assert fill[1:] == (START_MS + 3_300, (10.0, 1, "maker", 0))
    at_once = [kind for kind, time_ms, _ in strategy.told if time_ms == START_MS + 3_300]
    assert at_once == ["trade", "fill", "book"]


@pytest.mark.parametrize("seed", range(5))
def test_orders_never_overtake_each_other_and_time_never_goes_back(seed: int) -> None:
    def flickers(desk: Desk) -> None:
        for _ in range(20):
            desk.cancel(desk.place("buy", 1, 1.0))

    market = market_of(*(place(f"b{number}", Side.BUY, 1, 900) for number in range(5)))
    strategy = Scripted(flickers, timer_ms=100)
    latency = hb.Latency(order_ms=100, jitter_ms=300, seed=seed)
    report = hb.backtest(strategy, market, SYMBOL, latency=latency)
    updates = [what for kind, _, what in strategy.told if kind == "update"]
    assert updates == [("new", None), ("canceled", None)] * 20
    times = [time_ms for _, time_ms, _ in strategy.told]
    assert times == sorted(times)
    assert set(report.orders["status"]) == {"canceled"}


def test_events_come_in_the_market_s_order_and_timers_between() -> None:
    market = market_of(
        place("b1", Side.BUY, 5, 990), place("s1", Side.SELL, 2, 990), place("b2", Side.BUY, 1, 1_001)
    )
    strategy = Scripted(timer_ms=700)
    hb.backtest(strategy, market, SYMBOL, latency=hb.Latency(feed_ms=0, order_ms=0))
    told = [(kind, time_ms - START_MS, what) for kind, time_ms, what in strategy.told]
    # It begins when the symbol is listed, with the first of the market.
    assert told[0] == ("start", 0, None)
    assert [(kind, time_ms) for kind, time_ms, _ in told[1:]] == [
        ("timer", 700),
        ("book", 1_000),
        ("timer", 1_400),
        ("trade", 2_000),
        ("book", 2_000),
        ("timer", 2_100),
        ("timer", 2_800),
        ("book", 3_000),
    ]
    assert told[-1][2] == (10.01, None)


def test_fees_are_the_engine_s() -> None:
    market = market_of(place("s1", Side.SELL, 100, 1_000), place("b1", Side.BUY, 100, 990))
    fees = hb.Fees(maker_bps=1, taker_bps=3)

    strategy = doing(lambda desk: desk.place("buy", 10))
    report = hb.backtest(
        strategy,
        market,
        SYMBOL,
        fees=fees,
        latency=hb.Latency(order_ms=1_500),
    )
    (fill,) = report.fills.itertuples()
    assert (fill.price, fill.fee, fill.liquidity) == (10.0, 0.03, "taker")
    assert report.summary["fees"] == pytest.approx(0.03)
    assert report.equity["cash"].iloc[-1] == pytest.approx(1_000_000 - 100 - 0.03)
    assert (strategy.desk.cash, strategy.desk.position) == (999_899.97, 10)


def test_an_account_with_limits_is_refused_what_it_cannot_pay() -> None:
    market = market_of(place("s1", Side.SELL, 100, 1_000), place("s2", Side.SELL, 1, 1_100))
    strategy = doing(lambda desk: (desk.place("buy", 60, 10.0), desk.place("sell", 1, 10.0)))
    account = hb.Account(cash=500, unlimited=False)
    report = hb.backtest(strategy, market, SYMBOL, account=account, latency=hb.Latency(order_ms=1_500))
    assert report.orders["reason"].tolist() == ["insufficient_cash", "insufficient_shares"]
    assert report.summary["refused"] == 2
    assert [what for kind, _, what in strategy.told if kind == "update"] == [
        ("rejected", "insufficient_cash"),
        ("rejected", "insufficient_shares"),
    ]


_steps = st.lists(
    st.tuples(
        st.integers(1, 570_000),
        st.sampled_from(["buy", "sell", "market", "cancel", "amend"]),
        st.integers(1, 900),
        st.integers(-4, 4),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=15)
@given(steps=_steps)
def test_a_backtest_is_the_recorded_market_with_its_orders_added(minutes: CommandLog, steps: Any) -> None:
    """The whole runner against `what_if`, which merges the same orders by hand."""
    steps = sorted(steps)
    arrived: list[tuple[int, Command]] = []

    class Random(Strategy):
        timer_ms = 1_000

        def on_timer(self, desk: Desk) -> None:
            while steps and desk.time_ms >= START_MS + steps[0][0]:
                _, what, quantity, ticks = steps.pop(0)
                self._act(desk, what, quantity, ticks)
                arrived.extend((desk.time_ms + 7, command) for command in desk._wanted[len(self._before) :])

        def _act(self, desk: Desk, what: str, quantity: int, ticks: int) -> None:
            self._before = list(desk._wanted)
            middle = desk.book.middle or 38.0
            if what in {"buy", "sell"}:
                desk.place(what, quantity, desk.rounded(middle + ticks * desk.tick_size, Side(what)))
            elif what == "market":
                desk.place("buy" if ticks > 0 else "sell", quantity)
            elif desk.orders:
                order_id = next(iter(desk.orders))
                if what == "cancel":
                    desk.cancel(order_id)
                else:
                    desk.amend(order_id, quantity=desk.orders[order_id].filled + quantity)

    report = hb.backtest(Random(), minutes, "PETR4", latency=hb.Latency(feed_ms=3, order_ms=7))
    if not arrived:
        return
    names = {"place": Place, "cancel": Cancel}
    records = [
        record_fields(command)
        | {"command": next((name for name, kind in names.items() if isinstance(command, kind)), "amend")}
        | {"time_ms": time_ms, "investor_id": "strategy"}
        for time_ms, command in arrived
    ]
    opening = {"command": "open_account", "investor_id": "strategy", "unlimited": True, "time_ms": START_MS}
    by_hand = hb.what_if([opening, *records], base=minutes)
    expected = by_hand.changed.executions
    fills = expected[(expected["investor_id"] == "strategy") & (expected["execution_type"] == "trade")]
    last_ms = int(minutes.times_ms.max())
    fills = fills[fills.index <= pd.Timestamp(last_ms, unit="ms", tz="UTC")]
    ours = report.fills
    ours = ours[ours.index <= pd.Timestamp(last_ms, unit="ms", tz="UTC")]
    assert (
        ours[["order_id", "price", "quantity", "liquidity"]].to_numpy().tolist()
        == fills[["order_id", "last_price", "last_quantity", "liquidity"]].to_numpy().tolist()
    )
    assert ours.index.tolist() == fills.index.tolist()


def test_the_same_run_twice_is_the_same(day: CommandLog) -> None:
    def run(seed: int) -> Any:
        latency = hb.Latency(feed_ms=5, order_ms=5, jitter_ms=2_000, seed=seed)
        return hb.backtest(MarketMaker(), day, "PETR4", latency=latency)

    first, again, other = run(1), run(1), run(2)
    pd.testing.assert_frame_equal(first.fills, again.fills)
    assert not first.fills.equals(other.fills)


def test_what_happens_behind_its_end_is_written_down_and_not_told() -> None:
    strategy = doing(lambda desk: desk.place("buy", 5, 9.0))
    report = hb.backtest(strategy, market_of(place("b1", Side.BUY, 1, 900)), SYMBOL)
    assert [what for kind, _, what in strategy.told if kind == "update"] == [("new", None)]
    assert report.orders["status"].tolist() == ["canceled"]


# The examples


def test_the_market_maker_stops_buying_when_it_holds_all_it_may() -> None:
    quotes = (place("b", Side.BUY, 1, 900), place("s", Side.SELL, 1, 1_100))
    sales = (place(f"s{number}", Side.SELL, 100, 950 - number) for number in range(20))
    maker = MarketMaker(quantity=100, position_max=300, half_spread_ticks=1.0)
    report = hb.backtest(maker, market_of(*quotes, *sales, gap_ms=2_000), SYMBOL)
    # A quote may stand while another fills: one quote beyond the bound at most.
    assert 300 <= report.summary["position_max"] <= 400


def test_the_market_maker_makes_both_sides_and_keeps_its_bounds(day: CommandLog) -> None:
    report = hb.backtest(MarketMaker(position_max=100), day, "PETR4")
    summary = report.summary
    assert summary["fills"] > 10
    assert set(report.fills["side"]) == {"buy", "sell"}
    assert summary["maker_share"] == 1.0
    # A quote may stand while another fills: one quote beyond the bound at most.
    assert summary["position_max"] <= 200
    assert report.orders["status"].isin(["filled", "canceled", "rejected", "partially_filled"]).all()
    assert set(report.orders["reason"].dropna()) <= {"would_cross"}


@pytest.mark.parametrize("profile", [(1.0,), (3.0, 1.0, 2.0)])
def test_the_execution_is_done_in_time_and_follows_its_profile(
    day: CommandLog, profile: tuple[float, ...]
) -> None:
    strategy = VwapExecution("buy", 3_000, seconds=900, profile=profile, slices=30)
    report = hb.backtest(strategy, day, "PETR4", since=START_MS + 300_000)
    fills = report.fills
    assert int(fills["quantity"].sum()) == 3_000
    assert set(fills["side"]) == {"buy"}
    elapsed = (fills.index - fills.index[0]).total_seconds()
    assert 800 < elapsed.max() < 940
    third = int(fills["quantity"][elapsed <= 300].sum()) / 3_000
    assert third == pytest.approx(profile[0] / sum(profile) if len(profile) > 1 else 1 / 3, abs=0.06)
    costs = report.costs()
    assert costs["average_price"] == pytest.approx(
        (fills["price"] * fills["quantity"]).sum() / fills["quantity"].sum()
    )
    assert abs(costs["vwap_slippage_bps"]) < 60


def test_the_momentum_trader_follows_the_price() -> None:
    up = [place(f"s{step}", Side.SELL, 60, 1_000 + 2 * step) for step in range(120)]
    lift = [place(f"b{step}", Side.BUY, 50, 1_000 + 2 * step) for step in range(120)]
    market = market_of(*(each for pair in zip(up, lift, strict=True) for each in pair), gap_ms=2_000)
    report = hb.backtest(
        Momentum(quantity=5, fast_seconds=10, slow_seconds=60, enter_bps=20),
        market,
        SYMBOL,
    )
    assert report.summary["fills"] >= 1
    assert set(report.fills["side"]) == {"buy"}
    assert report.summary["position_end"] == 5
