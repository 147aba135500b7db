"""Positions: what shares cost, and what was earned by closing them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.accounts import Account, Holding
from engine.domain import Side

_trades = st.lists(
    st.tuples(st.integers(-50, 50).filter(bool), st.integers(1, 2_000).map(lambda ticks: ticks * 100)),
    max_size=30,
)


def test_selling_part_realizes_its_share_of_the_cost() -> None:
    holding = Holding()
    holding.trade(100, 10_0000)
    holding.trade(100, 12_0000)
    holding.trade(-50, 13_0000)
    assert (holding.quantity, holding.cost_units) == (150, 150 * 11_0000)
    assert holding.realized_profit_units == 50 * 2_0000


def test_selling_short_and_buying_back_cheaper_is_a_profit() -> None:
    holding = Holding()
    holding.trade(-100, 10_0000)
    assert holding.cost_units == -100 * 10_0000
    holding.trade(100, 9_0000)
    assert (holding.quantity, holding.cost_units) == (0, 0)
    assert holding.realized_profit_units == 100 * 1_0000


def test_selling_through_zero_begins_a_short_position_at_the_new_price() -> None:
    holding = Holding()
    holding.trade(10, 10_0000)
    holding.trade(-30, 11_0000)
    assert (holding.quantity, holding.cost_units) == (-20, -20 * 11_0000)
    assert holding.realized_profit_units == 10 * 1_0000


@given(_trades)
def test_profit_and_cost_account_for_every_payment(trades: list[tuple[int, int]]) -> None:
    holding = Holding()
    paid_units = 0
    for quantity, price_units in trades:
        holding.trade(quantity, price_units)
        paid_units += quantity * price_units
    assert holding.cost_units - holding.realized_profit_units == paid_units
    assert holding.quantity == sum(quantity for quantity, _ in trades)
    if holding.quantity == 0:
        assert holding.cost_units == 0
    else:
        assert holding.cost_units * holding.quantity > 0


def test_a_trade_moves_cash_one_way_and_shares_the_other() -> None:
    buyer, seller = Account("ana", unlimited=False), Account("bia", unlimited=False)
    buyer.settle("PETR4", Side.BUY, 10, 5_0000)
    seller.settle("PETR4", Side.SELL, 10, 5_0000)
    assert (buyer.cash_units, buyer.holding("PETR4").quantity) == (-50_0000, 10)
    assert (seller.cash_units, seller.holding("PETR4").quantity) == (50_0000, -10)
