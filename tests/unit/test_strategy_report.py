"""A strategy's report by hand, and what strategies are refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import homebroker as hb
from engine.domain import Side
from homebroker.research.command_log import CommandLog
from homebroker.strategy import Desk, Fill, Strategy
from homebroker.strategy.examples import VwapExecution
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


def test_figures_of_merit_by_hand() -> None:
    journal = hb.backtest(Scripted(), market_of(place("b", Side.BUY, 1, 990)), SYMBOL).journal
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
    assert [line.name for line in report.markout_figure().data] == ["maker", "taker", "all"]
    journal.fills = journal.fills[:1]
    assert [line.name for line in hb.Report(journal).markout_figure().data] == ["maker"]
    costs = report.costs()
    assert costs["slippage_bps"] == pytest.approx((9.9 / 10.0 - 1) * 1e4)


def test_a_run_without_a_fill_has_its_report_too(day: CommandLog) -> None:
    report = hb.backtest(Strategy(), day.part(0, 3_000), "PETR4")
    assert report.summary["profit"] == 0
    assert report.fills.empty and report.orders.empty
    assert report.markouts().isna().all(axis=None)
    assert math.isnan(report.costs()["average_price"])
    assert len(report.figure().data) == 6
    assert len(report.markout_figure().data) == 0


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
        hb.backtest(doing(wrong), market_of(place("b", Side.BUY, 1, 990)), SYMBOL)


def test_prices_are_rounded_away_from_the_other_side() -> None:
    strategy = Scripted()
    hb.backtest(strategy, market_of(place("b", Side.BUY, 1, 990)), SYMBOL)
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
