"""Hypothesis strategies for commands, narrow enough that orders meet."""

from __future__ import annotations

from hypothesis import strategies as st

from engine.domain import Amend, Cancel, CancelAll, Command, OrderType, Place, SelfTrade, Side, TimeInForce

SYMBOL = "PETR4"
INVESTORS = ("ana", "bia", "cora")

order_ids = st.integers(0, 30).map(lambda number: f"o-{number}")
investor_ids = st.sampled_from(INVESTORS)
prices_units = st.integers(995, 1005).map(lambda ticks: ticks * 100)
quantities = st.integers(1, 12)


@st.composite
def places(draw: st.DrawFn) -> Place:
    """Draw a valid new order."""
    order_type = draw(st.sampled_from([OrderType.LIMIT] * 6 + [OrderType.MARKET, OrderType.MARKET_TO_LIMIT]))
    times = [TimeInForce.GTC] * 4 + [TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK]
    time_in_force = draw(st.sampled_from(times))
    may_rest = order_type is OrderType.LIMIT and time_in_force in (TimeInForce.GTC, TimeInForce.DAY)
    return Place(
        order_id=draw(order_ids),
        investor_id=draw(investor_ids),
        symbol=SYMBOL,
        side=draw(st.sampled_from(Side)),
        quantity=draw(quantities),
        type=order_type,
        price_units=draw(prices_units) if order_type is OrderType.LIMIT else None,
        time_in_force=time_in_force,
        post_only=may_rest and draw(st.integers(0, 5)) == 0,
        self_trade=draw(st.sampled_from(SelfTrade)),
    )


cancels = st.builds(Cancel, order_id=order_ids, investor_id=investor_ids)
cancel_alls = st.builds(CancelAll, investor_id=investor_ids)
amends = st.builds(
    Amend,
    order_id=order_ids,
    investor_id=investor_ids,
    quantity=st.none() | quantities,
    price_units=st.none() | prices_units,
)
commands: st.SearchStrategy[Command] = st.one_of(
    places(), places(), places(), cancels, amends, amends, cancel_alls
)
