"""Play money: what may be typed, one deposit a click, and what became of it in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import wallet
from dashboard.wallet import Clicks, Outcome
from tests.dashboard import answers
from tests.dashboard.api_double import Scripted
from tests.dashboard.app_pages import open_page

DONE = {"status": "done", "message": "Done."}
PENDING = {"status": "pending", "message": "The engine has not answered yet."}


@pytest.fixture(autouse=True)
def market(api: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    demo_users = ({"username": "demo", "password": "demo-trader", "role": "trader"},)
    monkeypatch.setenv("HOMEBROKER_DASHBOARD_DEMO_USERS", json.dumps(demo_users))
    api.answer("GET /account", 200, answers.ACCOUNT)
    api.answer("POST /account/deposits", 200, DONE)
    api.answer("POST /account/withdrawals", 200, DONE)


def _move(page: AppTest, direction: str, amount: str) -> AppTest:
    page.text_input(key="wallet_amount").set_value(amount)
    page.button(key=direction).click().run()
    assert not page.exception
    return page


@pytest.mark.parametrize(
    ("direction", "route", "told"),
    [
        ("deposit", "POST /account/deposits", "Deposited R$ 1.234,56."),
        ("withdraw", "POST /account/withdrawals", "Withdrew R$ 1.234,56."),
    ],
)
def test_money_moves_as_it_was_typed(api: Scripted, direction: str, route: str, told: str) -> None:
    page = _move(open_page("portfolio"), direction, "1.234,56")
    assert page.success[0].value == told
    sent = [request for request in api.requests if request.body]
    assert [(request.name, request.body) for request in sent] == [(route, {"cash": 1234.56})]
    assert sent[0].secret == "hbs_demo"


@pytest.mark.parametrize("amount", ["", "abc", "0", "-5", "1.000.000,01", "1,234", "1.2345,00"])
def test_a_wrong_amount_is_told_and_not_sent(api: Scripted, amount: str) -> None:
    page = _move(open_page("portfolio"), "deposit", amount)
    assert page.error
    assert api.bodies == []


def test_a_second_click_is_no_second_deposit(api: Scripted) -> None:
    page = _move(_move(open_page("portfolio"), "deposit", "500"), "deposit", "500")
    assert len(api.bodies) == 1
    assert page.success[0].value == "Deposited R$ 500,00."
    _move(page, "deposit", "501")
    _move(page, "withdraw", "501")
    assert len(api.bodies) == 3


def test_what_may_have_moved_is_sent_again_under_its_name(
    api: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wallet, "REPEAT_WINDOW_S", 0)
    page = open_page("portfolio")
    answers_in_turn = [(0, None), (503, {"reason": "broker_unavailable", "message": "Away."}), (200, DONE)]
    for status, body in [*answers_in_turn, (200, DONE)]:
        api.answer("POST /account/deposits", status, body)
        _move(page, "deposit", "500")
    lost, unknown, done, another = [each.idempotency_key for each in api.requests if each.body]
    assert lost == unknown == done is not None
    assert another not in {None, done}


def test_the_same_amount_wished_again_is_another() -> None:
    clicks = Clicks()
    assert not clicks.is_repeat("deposit", 5.0, now_s=0.0)
    clicks.answered("deposit", 5.0, Outcome(kind="done", text=""), now_s=0.5)
    assert clicks.is_repeat("deposit", 5.0, now_s=1.4)
    assert not clicks.is_repeat("deposit", 5.0, now_s=1.6)
    assert not clicks.is_repeat("withdraw", 5.0, now_s=0.6)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            (
                422,
                {"reason": "insufficient_cash", "message": "That is more cash than is free."},
            ),
            "error",
            "Nothing was withdrawn. That is more cash than is free",
        ),
        (
            (422, {"reason": "unknown_investor", "message": "demo has no account; open one first."}),
            "error",
            "Nothing was withdrawn. Your account is not open yet",
        ),
        (
            (429, {"reason": "rate_limited", "message": "That were 10 deposits; wait 300 s."}),
            "error",
            "wait 300 s",
        ),
        ((202, PENDING), "warning", "has not answered yet; your cash changes"),
        ((503, {"reason": "broker_unavailable", "message": "Kafka is away."}), "warning", "may have moved"),
        ((0, None), "warning", "Send the same again: it moves only once"),
    ],
)
def test_what_became_of_it_is_told(api: Scripted, answer: tuple[int, Any], kind: str, words: str) -> None:
    api.answer("POST /account/withdrawals", *answer)
    page = _move(open_page("portfolio"), "withdraw", "10")
    assert words in getattr(page, kind)[0].value
    assert not page.success


def test_outside_the_demo_nobody_makes_money(api: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOMEBROKER_DASHBOARD_DEMO_USERS")
    page = open_page("portfolio")
    assert not page.button
    assert "An admin of this market books" in page.info[0].value


def test_an_account_that_is_not_open_has_no_wallet(api: Scripted) -> None:
    api.answer("GET /account", 404, {"reason": "unknown_investor", "message": "There is none."})
    assert [button.key for button in open_page("portfolio").button] == ["open_account"]


@pytest.mark.parametrize(("amount", "good"), [(0.01, True), (1_000_000.0, True), (1_000_000.01, False)])
def test_amounts_have_bounds(amount: float, good: bool) -> None:
    assert (wallet.problem(amount) is None) is good
