"""Who is let in, what they are shown, and that nothing of one person's ever reaches another."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.session import SESSION_COOKIE
from tests.dashboard import answers
from tests.dashboard.api_double import DEMO, NOT_SIGNED_IN, Scripted
from tests.dashboard.app_pages import mounted, open_page

ORDER = {"order_id": "o-1", "symbol": "PETR4", "side": "buy", "status": "new", "quantity": 100, "price": 38.5}
BIA = {"username": "bia", "role": "trader", "investor_id": "bia", "read_only": False}
ANALYST = {"username": "rui", "role": "analyst", "investor_id": None, "read_only": False}
ADMIN = {"username": "eva", "role": "admin", "investor_id": None, "read_only": False}


@pytest.fixture(autouse=True)
def market(api: Scripted) -> None:
    api.sessions |= {"hbs_bia": BIA, "hbs_rui": ANALYST, "hbs_eva": ADMIN}
    api.answer("GET /account", 200, answers.ACCOUNT)
    api.answer("POST /orders", 201, ORDER)


def _send(page: AppTest) -> AppTest:
    page.button(key="ticket_buy").click().run()
    assert not page.exception
    return page


def _is_door(page: AppTest) -> bool:
    return mounted(page) == ["sign_in"] and not page.button and not page.text_input


@pytest.mark.parametrize("view", ["trade", "market", "portfolio", "history", "analysis", "admin"])
@pytest.mark.parametrize("cookie", [None, "", "hbs_nobody", "bad\r\nx-header: 1", "hbs_é", "x" * 5_000])
def test_without_a_good_session_there_is_the_door_alone(
    api: Scripted, cookies: dict[str, str], cookie: str | None, view: str
) -> None:
    cookies.pop(SESSION_COOKIE)
    if cookie is not None:
        cookies[SESSION_COOKIE] = cookie
    assert _is_door(open_page(view))
    assert {request.name for request in api.requests} <= {"GET /auth/me"}
    assert {request.secret for request in api.requests} <= {"hbs_nobody"}


def test_whoever_is_signed_in_is_named_on_every_view(api: Scripted) -> None:
    assert mounted(open_page()) == ["signed_in", "trade_panes", "ticket_notes"]
    assert mounted(open_page("market")) == ["signed_in", "market_table"]
    assert mounted(open_page("portfolio")) == ["signed_in", "account_panes"]


@pytest.mark.parametrize(("secret", "role"), [("hbs_rui", "analyst"), ("hbs_eva", "admin")])
def test_who_has_no_account_sees_the_market_and_why_there_is_no_ticket(
    api: Scripted, cookies: dict[str, str], secret: str, role: str
) -> None:
    cookies[SESSION_COOKIE] = secret
    page = open_page()
    assert mounted(page) == ["signed_in", "trade_panes"]
    assert f"**{role}**" in page.info[0].value
    assert "sign in as a trader" in page.info[0].value
    assert not page.button
    page = open_page("portfolio")
    assert mounted(page) == ["signed_in"]
    assert f"**{role}**" in page.info[0].value
    assert {request.name for request in api.requests} == {"GET /auth/me", "GET /assets"}


def test_an_api_that_is_away_signs_nobody_out(api: Scripted) -> None:
    api.answer("GET /auth/me", 503, {"reason": "database_unavailable", "message": "Nobody is known."})
    page = open_page(symbol="PETR4")
    assert "Nobody is known. Trying again" in page.warning[0].value
    assert mounted(page) == []
    del api.answers["GET /auth/me"]
    page.run()
    assert mounted(page) == ["signed_in", "trade_panes", "ticket_notes"]
    assert page.query_params["symbol"] == "PETR4"


def test_a_session_that_ends_leads_to_the_door_and_keeps_the_address(api: Scripted) -> None:
    page = open_page(symbol="PETR4", interval="5m")
    page.text_input(key="ticket_quantity").set_value("700")
    api.sessions.clear()
    _send(page)
    assert _is_door(page)
    assert page.query_params == {"symbol": "PETR4", "interval": "5m"}
    assert api.bodies == []


def test_a_session_that_ends_under_a_sent_order_asks_anew_who_that_is(api: Scripted) -> None:
    page = open_page()
    api.answer("POST /orders", 401, NOT_SIGNED_IN)
    asked = len(api.requests)
    _send(page)
    assert [request.name for request in api.requests[asked:]].count("GET /auth/me") == 2
    assert not (page.info or page.error or page.warning or page.success)


def test_two_people_at_once_each_trade_as_themselves(api: Scripted, cookies: dict[str, str]) -> None:
    pages = {}
    for secret in ("hbs_demo", "hbs_bia"):
        cookies[SESSION_COOKIE] = secret
        pages[secret] = open_page()
    for secret, page in pages.items():
        cookies[SESSION_COOKIE] = secret
        page.text_input(key="ticket_quantity").set_value("100" if secret == "hbs_demo" else "200")
        _send(page)
    placed = [(request.secret, request.body["quantity"]) for request in api.requests if request.body]
    assert placed == [("hbs_demo", 100), ("hbs_bia", 200)]
    asked_without = {request.name for request in api.requests if request.secret is None}
    assert asked_without == {"GET /assets"}


def test_an_account_that_is_open_for_one_is_not_taken_for_another_s(
    api: Scripted, cookies: dict[str, str]
) -> None:
    assert open_page().button(key="ticket_buy")
    cookies[SESSION_COOKIE] = "hbs_bia"
    api.answer("GET /account", 404, {"reason": "unknown_investor", "message": "There is none."})
    assert [button.key for button in open_page().button] == ["open_account"]


def test_nothing_that_one_typed_or_was_told_is_left_for_who_signs_in_next(
    api: Scripted, cookies: dict[str, str]
) -> None:
    page = open_page()
    page.text_input(key="ticket_quantity").set_value("777")
    _send(page)
    assert page.info
    cookies[SESSION_COOKIE] = "hbs_bia"
    page.run()
    assert not page.exception
    assert page.text_input(key="ticket_quantity").value == "100"
    assert not page.info
    assert page.session_state["user"].username == "bia"


def test_a_new_role_of_the_same_person_counts_at_once(api: Scripted) -> None:
    page = open_page()
    api.sessions["hbs_demo"] = DEMO | {"role": "analyst"}
    page.run()
    assert not page.button
    assert "**analyst**" in page.info[0].value
