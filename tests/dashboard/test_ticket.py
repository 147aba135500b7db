"""The ticket's checks, the order that comes of it, and its one id a wish."""

import itertools
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from dashboard import ticket
from dashboard.ticket import Identity, Typed
from homebroker.client import Ticker
from tests.dashboard import answers

PETR4 = answers.ticker(last_price=None)
LOTS = answers.ticker(symbol="VALE3", tick_size=0.05, lot_size=100, reference_price=61.0, last_price=None)
NOW_MS = 1_790_000_000_000
CONTRACT_DEFAULTS = {"type": "limit", "time_in_force": "day"}
TYPED = Typed(
    symbol="PETR4",
    side="buy",
    type="limit",
    quantity=100,
    price=38.51,
    time_in_force="day",
    post_only=False,
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
        ({"type": "stop", "stop_price": None}, PETR4, "Type the stop price"),
        ({"type": "stop_limit", "stop_price": 38.0, "price": None}, PETR4, "Type the limit price"),
        (
            {"type": "stop_limit", "stop_price": 38.005, "price": 38.0},
            PETR4,
            "The stop price must be a multiple",
        ),
        ({"display_quantity": 0}, PETR4, "Show at a time"),
        ({"display_quantity": 50}, LOTS, "multiple of 100"),
        ({"display_quantity": 101}, PETR4, "more shares at a time than it has"),
        ({"quantity": 5_001, "display_quantity": 5}, PETR4, "thousandth of the order: 6 shares"),
        ({"time_in_force": "gtd"}, PETR4, "Choose the day and time"),
        ({"time_in_force": "gtd", "expires_at_ms": NOW_MS}, PETR4, "expired already"),
    ],
)
def test_a_wrong_ticket_is_told_what_is_wrong(changed: dict[str, Any], asset: Ticker, words: str) -> None:
    problem = ticket.problem(replace(TYPED, **changed), asset, now_ms=NOW_MS)
    assert problem is not None
    assert words in problem


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"price": 42.12}, "5,3% above the last price, R$ 40,00. Is it meant?"),
        ({"price": 42.0}, "5,0% above"),
        ({"price": 41.99}, None),
        ({"price": 10.0}, None),
        ({"side": "sell", "price": 37.88}, "5,3% below the last price"),
        ({"side": "sell", "price": 38.01}, None),
        ({"side": "sell", "price": 90.0}, None),
        ({"type": "market", "price": 90.0}, None),
        ({"type": "stop", "stop_price": 40.0}, "past the stop: it goes off at once. Put it above."),
        ({"type": "stop", "stop_price": 40.01}, None),
        ({"type": "stop", "side": "sell", "stop_price": 40.0}, "Put it below."),
        ({"type": "stop", "side": "sell", "stop_price": 39.99}, None),
        ({"type": "stop_limit", "stop_price": 50.0, "price": 52.4}, None),
        ({"type": "stop_limit", "stop_price": 50.0, "price": 52.5}, "5,0% above the stop price, R$ 50,00"),
        ({"type": "stop_limit", "side": "sell", "stop_price": 30.0, "price": 28.5}, "below the stop price"),
    ],
)
def test_what_the_sender_has_hardly_meant_is_asked_about(changed: dict[str, Any], words: str | None) -> None:
    told = ticket.surprise(replace(TYPED, **changed), answers.ticker(last_price=40.0))
    assert (told is None) if words is None else (words in (told or ""))
    assert ticket.surprise(replace(TYPED, **changed), PETR4) is None


@pytest.mark.parametrize("cents", [1, 2, 3851, 38510, 99_999_999, 100_000_000])
def test_every_price_on_the_tick_may_be_sent(cents: int) -> None:
    assert ticket.problem(replace(TYPED, price=cents / 100), PETR4, now_ms=NOW_MS) is None
    assert ticket.order(replace(TYPED, price=cents / 100), PETR4, "c").price == cents / 100


def test_a_market_order_carries_no_price_and_no_post_only() -> None:
    typed = replace(TYPED, type="market", price=None, post_only=True)
    assert ticket.problem(typed, PETR4, now_ms=NOW_MS) is None
    order = ticket.order(typed, PETR4, "c")
    assert (order.price, order.post_only) == (None, False)


@pytest.mark.parametrize(
    ("changed", "sent"),
    [
        ({"type": "stop"}, {"stop_price": 39.0}),
        ({"type": "stop_limit"}, {"stop_price": 39.0, "price": 38.51}),
        ({"type": "market"}, {}),
        ({"type": "market_to_limit"}, {}),
        ({}, {"price": 38.51, "display_quantity": 10, "post_only": True}),
        ({"time_in_force": "ioc"}, {"price": 38.51}),
        (
            {"time_in_force": "gtd"},
            {"price": 38.51, "display_quantity": 10, "post_only": True, "expires_at_ms": NOW_MS + 1},
        ),
        ({"display_quantity": 100}, {"price": 38.51, "post_only": True}),
    ],
)
def test_an_order_carries_what_its_type_asks_for_and_nothing_else(
    changed: dict[str, Any], sent: dict[str, Any]
) -> None:
    everything = replace(
        TYPED, stop_price=39.0, display_quantity=10, post_only=True, expires_at_ms=NOW_MS + 1
    )
    typed = replace(everything, **changed)
    assert ticket.problem(typed, PETR4, now_ms=NOW_MS) is None
    body = CONTRACT_DEFAULTS | msgspec.to_builtins(ticket.order(typed, PETR4))
    for name in ("symbol", "side", "type", "quantity", "time_in_force"):
        assert body.pop(name) == getattr(typed, name)
    assert body == sent


def test_an_order_that_waits_for_its_stop_cannot_be_for_now_only() -> None:
    for order_type in ("stop", "stop_limit"):
        assert ticket.times_in_force(order_type) == ["day", "gtc", "gtd"]
    for order_type in ("market", "market_to_limit"):
        assert ticket.times_in_force(order_type) == ["day", "gtc", "gtd", "ioc", "fok"]


def test_only_a_limit_order_may_be_for_an_auction() -> None:
    usual = ["day", "gtc", "gtd", "ioc", "fok"]
    assert ticket.times_in_force("limit") == [*usual, "at_open", "at_close"]


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


def test_an_order_in_doubt_stays_so_until_it_is_answered_or_another() -> None:
    identity = _identity()
    identity.of(TYPED, now_s=10.0)
    assert not identity.is_doubted
    identity.doubt()
    assert (identity.of(TYPED, now_s=99.0), identity.is_doubted) == ("id-0", True)
    identity.answered(now_s=99.1)
    assert not identity.is_doubted
    identity.doubt()
    identity.of(replace(TYPED, quantity=101), now_s=99.2)
    assert not identity.is_doubted


def test_a_changed_ticket_is_another_order() -> None:
    identity = _identity()
    identity.of(TYPED, now_s=10.0)
    assert identity.of(replace(TYPED, quantity=101), now_s=10.1) == "id-1"
