"""Strategies over a recorded market: their orders are in the book, late, charged, and told as live."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import homebroker as hb
from engine.domain import Cancel, Command, Execution, ListAsset, OpenAccount, Place, Side, TimeInForce
from engine.wire.commands import record_fields
from homebroker.research.command_log import CommandLog
from homebroker.research.rows import LoggedCommand
from homebroker.simulator.warm_up import WARM_UP_COMMANDS_PER_SECOND, history
from homebroker.strategy import Desk, Fill, Strategy, TapeTrade
from homebroker.strategy.examples import MarketMaker, Momentum, VwapExecution

SYMBOL = "TEST3"
START_MS = 1_790_000_000_000


@pytest.fixture(scope="module")
def day() -> CommandLog:
    """Give half an hour of the simulated market."""
    timed = history(
        seed=5,
        start_ms=START_MS,
        end_ms=START_MS + 1_800_000,
        investor_id=None,
        rate=WARM_UP_COMMANDS_PER_SECOND,
    )
    return hb.replay(
        [
            LoggedCommand(offset=offset, time_ms=time_ms, command=command)
            for offset, (command, time_ms) in enumerate(timed)
        ]
    ).log


def _place(order_id: str, side: Side, quantity: int, cents: int, **fields: Any) -> Place:
    return Place(
        order_id=order_id,
        investor_id="ana" if side is Side.BUY else "bia",
        symbol=SYMBOL,
        side=side,
        quantity=quantity,
        price_units=100 * cents,
        time_in_force=TimeInForce.GTC,
        **fields,
    )


def _market(*commands: Command, gap_ms: int = 1_000) -> list[LoggedCommand]:
    opening: list[Command] = [
        ListAsset(symbol=SYMBOL, name=SYMBOL, tick_size_units=100, lot_size=1, reference_price_units=100_000),
        OpenAccount(investor_id="ana", unlimited=True),
        OpenAccount(investor_id="bia", unlimited=True),
    ]
    return [
        LoggedCommand(offset=place, time_ms=START_MS + gap_ms * max(0, place - 2), command=command)
        for place, command in enumerate([*opening, *commands])
    ]


class _Scripted(Strategy):
    """Does what a test says, and remembers what it is told."""

    def __init__(self, start: Callable[[Desk], None] | None = None, timer_ms: int | None = None) -> None:
        self.timer_ms = timer_ms
        self._start = start
        self.told: list[tuple[str, int, Any]] = []

    def on_start(self, desk: Desk) -> None:
        self.desk = desk
        self.told.append(("start", desk.time_ms, None))
        if self._start is not None:
            self._start(desk)

    def on_book(self, desk: Desk) -> None:
        self.told.append(("book", desk.time_ms, (desk.book.bid, desk.book.ask)))

    def on_trade(self, desk: Desk, trade: TapeTrade) -> None:
        self.told.append(("trade", desk.time_ms, (trade.price, trade.quantity)))

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.told.append(("fill", desk.time_ms, (fill.price, fill.quantity, fill.liquidity, fill.left)))

    def on_update(self, desk: Desk, report: Execution) -> None:
        self.told.append(("update", desk.time_ms, (report.execution_type.value, report.reason)))

    def on_timer(self, desk: Desk) -> None:
        self.told.append(("timer", desk.time_ms, None))


def _doing(start: Callable[[Desk], Any]) -> _Scripted:
    return _Scripted(lambda desk: (start(desk), None)[1])


@pytest.mark.parametrize("order_ms", [1_000, 1_500])
def test_an_order_waits_behind_those_that_were_there_before(order_ms: float) -> None:
    market = _market(
        _place("first", Side.BUY, 10, 1_000),  # at 1 s, before the strategy's of 1.5 s, or of that very 1 s
        _place("s1", Side.SELL, 4, 1_000),  # 2 s
        _place("later", Side.BUY, 10, 1_000),  # 3 s
        _place("s2", Side.SELL, 9, 1_000),  # 4 s
        _place("s3", Side.SELL, 9, 1_000),  # 5 s
    )
    strategy = _doing(lambda desk: desk.place("buy", 5, 10.0))
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
    class Reacts(_Scripted):
        def on_trade(self, desk: Desk, trade: TapeTrade) -> None:
            super().on_trade(desk, trade)
            if len([told for told in self.told if told[0] == "trade"]) == 1:
                desk.place("sell", 1, 10.0)

    market = _market(
        _place("b1", Side.BUY, 1, 1_000),
        _place("s1", Side.SELL, 1, 1_000),  # 2 s: heard at 2.3 s, ordered for 2.5 s
        _place("b2", Side.BUY, 1, 1_000),  # 3 s
        _place("s2", Side.SELL, 1, 1_000, self_trade="none"),
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

    market = _market(*(_place(f"b{number}", Side.BUY, 1, 900) for number in range(5)))
    strategy = _Scripted(flickers, timer_ms=100)
    latency = hb.Latency(order_ms=100, jitter_ms=300, seed=seed)
    report = hb.backtest(strategy, market, SYMBOL, latency=latency)
    updates = [what for kind, _, what in strategy.told if kind == "update"]
    assert updates == [("new", None), ("canceled", None)] * 20
    times = [time_ms for _, time_ms, _ in strategy.told]
    assert times == sorted(times)
    assert set(report.orders["status"]) == {"canceled"}


def test_events_come_in_the_market_s_order_and_timers_between() -> None:
    market = _market(
        _place("b1", Side.BUY, 5, 990), _place("s1", Side.SELL, 2, 990), _place("b2", Side.BUY, 1, 1_001)
    )
    strategy = _Scripted(timer_ms=700)
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
    market = _market(_place("s1", Side.SELL, 100, 1_000), _place("b1", Side.BUY, 100, 990))
    fees = hb.Fees(maker_bps=1, taker_bps=3)

    strategy = _doing(lambda desk: desk.place("buy", 10))
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
    market = _market(_place("s1", Side.SELL, 100, 1_000), _place("s2", Side.SELL, 1, 1_100))
    strategy = _doing(lambda desk: (desk.place("buy", 60, 10.0), desk.place("sell", 1, 10.0)))
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
        st.integers(1, 1_700_000),
        st.sampled_from(["buy", "sell", "market", "cancel", "amend"]),
        st.integers(1, 900),
        st.integers(-4, 4),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=15)
@given(steps=_steps)
def test_a_backtest_is_the_recorded_day_with_its_orders_added(day: CommandLog, steps: Any) -> None:
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

    report = hb.backtest(Random(), day, "PETR4", latency=hb.Latency(feed_ms=3, order_ms=7))
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
    by_hand = hb.what_if([opening, *records], base=day)
    expected = by_hand.changed.executions
    fills = expected[(expected["investor_id"] == "strategy") & (expected["execution_type"] == "trade")]
    last_ms = int(day.times_ms.max())
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
        latency = hb.Latency(feed_ms=5, order_ms=5, jitter_ms=20, seed=seed)
        return hb.backtest(MarketMaker(), day, "PETR4", latency=latency)

    first, again, other = run(1), run(1), run(2)
    pd.testing.assert_frame_equal(first.fills, again.fills)
    assert not first.fills.equals(other.fills)


# The examples


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
    up = [_place(f"s{step}", Side.SELL, 60, 1_000 + 2 * step) for step in range(120)]
    lift = [_place(f"b{step}", Side.BUY, 50, 1_000 + 2 * step) for step in range(120)]
    market = _market(*(each for pair in zip(up, lift, strict=True) for each in pair), gap_ms=2_000)
    report = hb.backtest(
        Momentum(quantity=5, fast_seconds=10, slow_seconds=60, enter_bps=20),
        market,
        SYMBOL,
    )
    assert report.summary["fills"] >= 1
    assert set(report.fills["side"]) == {"buy"}
    assert report.summary["position_end"] == 5


# The report


def test_figures_of_merit_by_hand() -> None:
    journal = hb.backtest(_Scripted(), _market(_place("b", Side.BUY, 1, 990)), SYMBOL).journal
    journal.cash, journal.position = 1_000.0, 0
    journal.started_ms, journal.ended_ms = START_MS, START_MS + 300_000
    journal.quotes = [
        (START_MS, 9.9, 10.1),
        (START_MS + 61_000, 10.4, 10.6),
        (START_MS + 130_000, 10.0, 10.2),
    ]
    journal.market_volume = 50
    journal.fills = [
        Fill(
            time_ms=START_MS + 1_000,
            order_id="a",
            side=Side.BUY,
            price=9.9,
            quantity=10,
            liquidity="maker",  # type: ignore[arg-type]
            fee=0.5,
            left=0,
        ),
        Fill(
            time_ms=START_MS + 200_000,
            order_id="b",
            side=Side.SELL,
            price=10.0,
            quantity=5,
            liquidity="taker",  # type: ignore[arg-type]
            fee=0.0,
            left=0,
        ),
    ]
    journal.orders = {}
    report = hb.Report(journal)
    equity = report.equity["equity"]
    at = {int((time - equity.index[0]).total_seconds()): round(value, 6) for time, value in equity.items()}
    # 10 bought at 9.90 and 0.50 of fees: worth 10.00, then 10.50, then 10.10; 5 sold at 10.00.
    assert at == {0: 1_000.0, 1: 1_000.5, 61: 1_005.5, 130: 1_001.5, 200: 1_001.0, 300: 1_001.0}
    summary = report.summary
    assert summary["profit"] == pytest.approx(1.0)
    assert summary["return_pct"] == pytest.approx(0.1)
    assert summary["drawdown_max"] == pytest.approx(4.5)
    assert summary["turnover"] == pytest.approx(149.0)
    assert summary["maker_share"] == pytest.approx(10 / 15)
    assert summary["participation"] == pytest.approx(0.3)
    assert math.isnan(summary["fill_ratio"])
    minutes = pd.Series([5.0, -4.0, -0.5, 0.0, 0.0])
    assert summary["sharpe"] == pytest.approx(minutes.mean() / minutes.std() * math.sqrt(415 * 252))
    markouts = report.markouts((1.0, 60.0, 200.0))
    assert markouts.loc["maker", 1.0] == pytest.approx((10.0 / 9.9 - 1) * 1e4)
    assert markouts.loc["maker", 60.0] == pytest.approx((10.5 / 9.9 - 1) * 1e4)
    assert markouts.loc["taker", 1.0] == pytest.approx((1 - 10.1 / 10.0) * 1e4)
    assert math.isnan(markouts.loc["taker", 200.0])
    costs = report.costs()
    assert costs["slippage_bps"] == pytest.approx((9.9 / 10.0 - 1) * 1e4)


def test_a_run_without_a_fill_has_its_report_too(day: CommandLog) -> None:
    report = hb.backtest(Strategy(), day.part(0, 3_000), "PETR4")
    assert report.summary["profit"] == 0
    assert report.fills.empty and report.orders.empty
    assert report.markouts().isna().all(axis=None)
    assert math.isnan(report.costs()["average_price"])
    assert len(report.figure().data) == 6
    assert len(report.markout_figure().data) == 3


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda desk: desk.place("buy", 0, 10.0), "is no quantity"),
        (lambda desk: desk.place("buy", 1.5, 10.0), "is no quantity"),
        (lambda desk: desk.place("buy", 1, 10.005), "no multiple of the tick"),
        (lambda desk: desk.place("buy", 1, math.nan), "no multiple of the tick"),
        (lambda desk: desk.place("hold", 1, 10.0), "not a valid Side"),
    ],
)
def test_what_no_market_takes_is_an_error_at_once(wrong: Callable[[Desk], Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        hb.backtest(_doing(wrong), _market(_place("b", Side.BUY, 1, 990)), SYMBOL)


def test_prices_are_rounded_away_from_the_other_side() -> None:
    strategy = _Scripted()
    hb.backtest(strategy, _market(_place("b", Side.BUY, 1, 990)), SYMBOL)
    desk = strategy.desk
    assert (desk.rounded(10.008, Side.BUY), desk.rounded(10.002, Side.SELL)) == (10.0, 10.01)
    assert (desk.rounded(10.01, Side.BUY), desk.rounded(10.01, Side.SELL)) == (10.01, 10.01)
    assert desk.rounded(-1, Side.BUY) == 0.01


def test_bad_arguments_are_refused(day: CommandLog) -> None:
    with pytest.raises(ValueError, match="not listed in this log"):
        hb.backtest(Strategy(), day, "NONE3")
    with pytest.raises(ValueError, match="order_ms=-1"):
        hb.backtest(Strategy(), day, "PETR4", latency=hb.Latency(order_ms=-1))
    with pytest.raises(ValueError, match="parts of a volume"):
        VwapExecution("buy", 10, seconds=1, profile=())
    with pytest.raises(ValueError, match="seconds=0"):
        hb.trade_live(Strategy(), "PETR4", seconds=0)
