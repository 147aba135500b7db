"""The ticket's checks, its one id a wish, and its words."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from dashboard import ticket
from dashboard.errors import RefusedError, UnknownOutcomeError, UnreachableError
from dashboard.payloads import Asset, Order
from dashboard.ticket import Identity, Typed

PETR4 = Asset(symbol="PETR4", name="Petrobras PN", tick_size=0.01, lot_size=1, reference_price=38.0)
LOTS = Asset(symbol="VALE3", name="Vale ON", tick_size=0.05, lot_size=100, reference_price=61.0)
TYPED = Typed(
    symbol="PETR4",
    side="buy",
    type="limit",
    quantity=100,
    price=38.51,
    time_in_force="day",
    post_only=False,
)


def _order(**fields: Any) -> Order:
    return Order(
        **({"order_id": "o-1", "symbol": "PETR4", "side": "buy", "quantity": 100, "price": 38.5} | fields)
    )


@pytest.mark.parametrize(
    ("changed", "asset", "words"),
    [
        ({"quantity": None}, PETR4, "whole number"),
        ({"quantity": 0}, PETR4, "from 1 to 100.000.000"),
        ({"quantity": 100_000_001}, PETR4, "from 1 to 100.000.000"),
        ({"quantity": 150}, LOTS, "lots of 100"),
        ({"price": None}, PETR4, "such as 38,00"),
        ({"price": 0.0}, PETR4, "above zero"),
        ({"price": 1_000_000.01}, PETR4, "R$ 1.000.000,00"),
        ({"price": 38.515}, PETR4, "multiple of R$ 0,01"),
        ({"price": 61.01}, LOTS, "multiple of R$ 0,05"),
    ],
)
def test_a_wrong_ticket_is_told_what_is_wrong(changed: dict[str, Any], asset: Asset, words: str) -> None:
    problem = ticket.problem(replace(TYPED, **changed), asset)
    assert problem is not None
    assert words in problem


@pytest.mark.parametrize("cents", [1, 2, 3851, 38510, 99_999_999, 100_000_000])
def test_every_price_on_the_tick_may_be_sent(cents: int) -> None:
    assert ticket.problem(replace(TYPED, price=cents / 100), PETR4) is None
    assert ticket.order(replace(TYPED, price=cents / 100), PETR4, "c").price == cents / 100


def test_a_market_order_carries_no_price_and_no_post_only() -> None:
    typed = replace(TYPED, type="market", price=None, post_only=True)
    assert ticket.problem(typed, PETR4) is None
    order = ticket.order(typed, PETR4, "c")
    assert (order.price, order.post_only) == (None, False)


def _identity() -> Identity:
    numbers = itertools.count()
    return Identity(make_id=lambda: f"id-{next(numbers)}")


def test_the_same_click_twice_has_one_id() -> None:
    identity = _identity()
    assert identity.of(TYPED, now_s=10.0) == "id-0"
    identity.answered(now_s=10.1)
    assert identity.of(TYPED, now_s=10.3) == "id-0"


def test_the_same_order_wished_again_is_another() -> None:
    identity = _identity()
    identity.of(TYPED, now_s=10.0)
    identity.answered(now_s=10.1)
    assert identity.of(TYPED, now_s=11.2) == "id-1"


def test_a_retry_without_an_answer_keeps_its_id_however_late() -> None:
    identity = _identity()
    identity.of(TYPED, now_s=10.0)
    assert identity.of(TYPED, now_s=600.0) == "id-0"


def test_a_changed_ticket_is_another_order() -> None:
    identity = _identity()
    identity.of(TYPED, now_s=10.0)
    assert identity.of(replace(TYPED, quantity=101), now_s=10.1) == "id-1"


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        (
            {"status": "filled", "filled_quantity": 100, "average_price": 38.4},
            "done",
            "Bought 100 PETR4 at R$ 38,40.",
        ),
        ({"status": "new", "side": "sell"}, "resting", "Order to sell 100 PETR4 at R$ 38,50 is in the book."),
        (
            {
                "status": "partially_filled",
                "filled_quantity": 60,
                "remaining_quantity": 40,
                "average_price": 38.5,
            },
            "resting",
            "Bought 60 of 100 PETR4 at R$ 38,50; 40 wait at R$ 38,50.",
        ),
        (
            {"status": "expired", "filled_quantity": 60, "average_price": 38.5},
            "done",
            "Bought 60 of 100 PETR4 at R$ 38,50; the rest was not placed.",
        ),
        ({"status": "expired", "message": "No sellers."}, "nothing", "No order was placed. No sellers."),
    ],
)
def test_an_outcome_is_told_in_words(fields: dict[str, Any], kind: str, text: str) -> None:
    outcome = ticket.outcome(_order(**fields), PETR4)
    assert (outcome.kind, outcome.text) == (kind, text)


def test_an_order_without_an_answer_is_not_called_placed() -> None:
    assert ticket.outcome(_order(status="pending"), PETR4).kind == "unknown"


def test_only_a_lost_answer_leaves_doubt() -> None:
    assert ticket.failure(RefusedError("halted", "PETR4 is halted.")).kind == "nothing"
    assert ticket.failure(UnreachableError("unreachable", "Away.")).kind == "nothing"
    unknown = ticket.failure(UnknownOutcomeError("unknown_outcome", "Broke."))
    assert unknown.kind == "unknown"
    assert "cannot place it twice" in unknown.text
