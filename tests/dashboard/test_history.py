"""Statements of an account: profit by day and symbol, tables that can be searched; and sizing."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import frames, history, sizing
from dashboard.sizing import Means
from homebroker.client import DailyPosition, PastExecution
from tests.dashboard import answers

DAY_MS = 86_400_000
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
MIDNIGHT_MS = 1_790_046_000_000  # in Brasília


def _fill(time_ms: int, side: str, quantity: int, **fields: Any) -> PastExecution:
    return answers.execution(
        **(
            {"time_ms": time_ms, "side": side, "last_quantity": quantity, "last_price": 10.0, "fee": 0.1}
            | fields
        )
    )


def _end(day: int, quantity: int, average: float | None, realized: float) -> DailyPosition:
    return DailyPosition(
        day_ms=MIDNIGHT_MS + day * DAY_MS,
        symbol="PETR4",
        quantity=quantity,
        average_price=average,
        realized_profit=realized,
    )


def test_a_day_earns_what_its_end_has_more_than_the_day_before() -> None:
    ends = [_end(1, 0, None, 70.0), _end(0, 100, 10.0, 20.0)]
    fills = [
        _fill(MIDNIGHT_MS, "buy", 150),
        _fill(MIDNIGHT_MS + DAY_MS - 1, "sell", 50),
        _fill(MIDNIGHT_MS + DAY_MS, "sell", 100, fee=None),
    ]
    second, first = history.days_by_symbol(ends, fills, {"PETR4": {"2026-09-22": 10.5}})
    assert (first.day, first.bought, first.sold, first.realized) == ("2026-09-22", 150, 50, 20.0)
    assert (first.unrealized, first.fees) == (50.0, 0.2)
    assert (second.day, second.sold, second.realized, second.unrealized) == ("2026-09-23", 100, 50.0, 0.0)


def test_without_the_day_s_price_nobody_invents_a_profit() -> None:
    [row] = history.days_by_symbol([_end(0, 100, 10.0, 0.0)], [], {})
    assert row.unrealized is None


@pytest.mark.parametrize(
    ("amount", "unit", "side", "lot", "means", "shares"),
    [
        (1_000.0, "value", "buy", 1, (0.0, 0, 38.5), 25),
        (1_000.0, "value", "sell", 1, (0.0, 0, 40.0), 25),
        (50.0, "percent", "buy", 1, (1_000.0, 0, 10.0), 50),
        (30.0, "percent", "buy", 1, (100.0, 0, 10.0), 3),
        (100.0, "percent", "buy", 1, (99.99, 0, 10.0), 9),
        (50.0, "percent", "sell", 1, (0.0, 301, 10.0), 150),
        (100.0, "percent", "sell", 100, (0.0, 350, 1_000.0), 300),
        (10_000.0, "value", "buy", 100, (0.0, 0, 3_850.0), 200),
        (1.0, "value", "buy", 1, (0.0, 0, 38.5), 0),
        (10.0, "percent", "buy", 1, (100.0, 0, 0.0), 0),
    ],
)
def test_an_amount_comes_to_whole_lots(  # noqa: PLR0917
    amount: float, unit: Any, side: str, lot: int, means: tuple[float, int, float], shares: int
) -> None:
    cash, free, lot_cash = means
    held = Means(available_cash=cash, free_shares=free, lot_cash=lot_cash)
    assert sizing.shares(amount, unit, side, lot, held) == shares


@given(st.floats(0.01, 100), st.floats(0.01, 1e9), st.floats(0.01, 1e5), st.sampled_from([1, 5, 100]))
def test_a_percentage_never_costs_more_than_it_is(
    percent: float, cash: float, lot_cash: float, lot: int
) -> None:
    means = Means(available_cash=cash, free_shares=0, lot_cash=lot_cash)
    found = sizing.shares(percent, "percent", "buy", lot, means)
    assert found % lot == 0
    budget = cash * percent / 100
    assert found // lot * lot_cash <= budget + 1e-7 * lot_cash
    assert (
        found == sizing.QUANTITY_MAX // lot * lot or (found // lot + 1) * lot_cash > budget - 1e-7 * lot_cash
    )


@pytest.mark.parametrize(
    ("amount", "unit"), [(None, "value"), (0.0, "value"), (101.0, "percent"), (0.0, "percent")]
)
def test_a_wrong_amount_is_told(amount: float | None, unit: Any) -> None:
    assert sizing.problem(amount, unit)
    assert sizing.problem(50.0, unit) is None


def test_a_search_finds_rows_that_have_every_word() -> None:
    table = frames.orders(
        [
            answers.order(order_id="o-1"),
            answers.order(
                order_id="o-2", symbol="VALE3", status="rejected", reason="halted", message="VALE3 is halted."
            ),
            answers.order(order_id="o-3", symbol="VALE3"),
        ],
        SAO_PAULO,
        answers.T0,
    )
    assert frames.searched(table, "")["order_id"].tolist() == ["o-1", "o-2", "o-3"]
    assert frames.searched(table, "vale3 HALTED")["order_id"].tolist() == ["o-2"]
    assert frames.searched(table, "petr4 sell").empty
    # Nor are missing prices and dates the letters that pandas writes for them.
    assert frames.searched(table, "na").empty
    assert frames.searched(frames.orders([], SAO_PAULO, answers.T0), "x").empty


def test_an_order_s_life_is_told_from_its_beginning() -> None:
    life = [
        _fill(MIDNIGHT_MS + 5, "buy", 60),
        _fill(MIDNIGHT_MS, "buy", 0),
    ]
    assert frames.executions(life)["traded"].tolist() == [0, 60]
    assert frames.fills(life)["value"].tolist() == [600.0, 0.0]
    assert frames.executions([]).empty
