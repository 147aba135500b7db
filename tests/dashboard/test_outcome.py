"""What became of an order, and what one asks for, in words."""

from typing import Any

import msgspec
import pytest

from dashboard import outcome
from homebroker.client import NewOrder, Order, RefusedError, UnknownOutcomeError, UnreachableError
from tests.dashboard import answers

PETR4 = answers.ticker()


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        (
            {"status": "filled", "filled_quantity": 100, "average_price": 38.4},
            "done",
            "Bought 100 PETR4 at R$ 38,40.",
        ),
        (
            {"status": "new", "side": "sell"},
            "resting",
            "Order to sell 100 PETR4 at R$ 38,50 went into the book.",
        ),
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
        (
            {
                "status": "expired",
                "filled_quantity": 60,
                "average_price": 38.5,
                "reason": "insufficient_cash",
                "message": "The next lot costs 38.5 with its fee and 30.0 is free; deposit cash.",
            },
            "done",
            "Bought 60 of 100 PETR4 at R$ 38,50; the rest was not placed. "
            "The next lot costs R$ 38,50 with its fee and R$ 30,00 is free; deposit cash.",
        ),
        (
            {"status": "pending_trigger", "side": "sell", "stop_price": 37.0},
            "resting",
            "Stop order to sell 100 PETR4 waits for a trade at R$ 37,00 or lower.",
        ),
        (
            {"status": "pending_trigger", "time_in_force": "at_close"},
            "resting",
            "Order to buy 100 PETR4 at R$ 38,50 waits for the auction that closes the market.",
        ),
        ({"status": "expired", "message": "No sellers."}, "nothing", "No order was placed. No sellers."),
    ],
)
def test_an_outcome_is_told_in_words(fields: dict[str, Any], kind: str, text: str) -> None:
    told = outcome.of_order(answers.order(**fields), PETR4)
    assert (told.kind, told.text.replace("\u00a0", " ")) == (kind, text)


def test_an_order_without_an_answer_is_not_called_placed() -> None:
    assert outcome.of_order(msgspec.convert(answers.PENDING, Order), PETR4).kind == "unknown"


def test_only_a_lost_answer_leaves_doubt() -> None:
    assert outcome.failure(RefusedError("halted", "PETR4 is halted.", status=422)).kind == "nothing"
    assert outcome.failure(UnreachableError("unreachable", "Away.")).kind == "nothing"
    unknown = outcome.failure(UnknownOutcomeError("unknown_outcome", "Broke."))
    assert unknown.kind == "unknown"
    assert "cannot place it twice" in unknown.text


def test_a_trader_is_told_no_address_of_the_api() -> None:
    away = UnreachableError("unreachable", "The market's API does not answer at http://127.0.0.1:8000.")
    told = outcome.failure(away).text
    assert told == "No order was placed. The market does not answer now. Send it again in a moment."


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"type": "limit", "price": 38.5}, "Buy 1.000 PETR4, at R$ 38,50 or better."),
        (
            {"type": "limit", "price": 38.5, "display_quantity": 100},
            "Buy 1.000 PETR4, at R$ 38,50 or better, showing 100 at a time.",
        ),
        (
            {"type": "limit", "price": 38.5, "time_in_force": "at_open"},
            "Buy 1.000 PETR4, at R$ 38,50 or better, only in the auction that opens the market.",
        ),
        ({"type": "market"}, "Buy 1.000 PETR4, at the market's price."),
        (
            {"type": "stop_limit", "stop_price": 39.0, "price": 39.1},
            "Buy 1.000 PETR4, once a trade is at R$ 39,00 or higher, at R$ 39,10 or better.",
        ),
        (
            {"type": "stop", "stop_price": 39.0},
            "Buy 1.000 PETR4, once a trade is at R$ 39,00 or higher, at the market's price.",
        ),
    ],
)
def test_a_wish_is_told_before_it_is_sent(fields: dict[str, Any], text: str) -> None:
    order = NewOrder(symbol="PETR4", side="buy", quantity=1_000, **({"time_in_force": "day"} | fields))
    assert outcome.wish(order, PETR4) == text
