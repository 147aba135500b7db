"""Ticket by value and percent, the confirmation, History, Analysis and Admin, run by Streamlit's AppTest."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.session import SESSION_COOKIE
from tests.dashboard import answers
from tests.dashboard.api_double import Scripted
from tests.dashboard.app_pages import mounted, open_page, previews

PREVIEW = answers.PREVIEW | {
    "quantity": 1,
    "filled_quantity": 1,
    "resting_quantity": 0,
    "needed_cash": 40.0,
}
CANCELED = answers.ORDER | {"order_id": "o-2", "symbol": "VALE3", "status": "canceled"}
NO_CANDLES: dict[str, Any] = {"symbol": "PETR4", "interval": "1d", "candles": []}
DONE = {"status": "done", "message": "Done."}
SYSTEM = {
    "parts": [
        {"name": "api", "state": "ready", "message": "up to date", "lag_records": None},
        {"name": "recorder", "state": "retrying", "message": "9 records behind", "lag_records": 9},
    ],
    "market_time_ms": answers.T0,
    "silent_ms": 20,
    "accounts": 3,
    "symbols": 1,
}


@pytest.fixture(autouse=True)
def market(api: Scripted) -> None:
    """Answer what the pages ask for."""
    for name, body in {
        "GET /account": answers.ACCOUNT | {"available_cash": 1_000.0},
        "GET /positions": [answers.POSITION],
        "GET /orders": [
            answers.ORDER,
            answers.ORDER | {"order_id": "o-2", "symbol": "VALE3", "status": "canceled"},
        ],
        "GET /executions": {"executions": [answers.EXECUTION], "next_cursor": None},
        "GET /portfolio/positions": [
            {
                "day_ms": answers.T0,
                "symbol": "PETR4",
                "quantity": 100,
                "average_price": 38.5,
                "realized_profit": 0.0,
            }
        ],
        "GET /candles/PETR4": NO_CANDLES,
        "GET /transactions": {"transactions": [], "next_cursor": None},
        "GET /admin/system": SYSTEM,
        "GET /admin/simulator": {"scenario": "calm", "rate": 80.0, "since_ms": 1},
        "GET /admin/audit": {"entries": [], "next_cursor": None},
        "PUT /admin/simulator": {"scenario": "flash_crash", "rate": 80.0, "since_ms": 2},
        "PUT /admin/assets/PETR4/phase": DONE,
        "POST /admin/accounts/a%2Fb/deposits": DONE,
        "POST /orders/preview": PREVIEW,
    }.items():
        api.answer(name, 200, body)
    api.answer("POST /orders", 201, answers.ORDER)


def _press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    assert not page.exception
    return page


def _sent(api: Scripted, name: str) -> list[Any]:
    return [request.body for request in api.requests if request.name == name]


@pytest.mark.parametrize(
    ("unit", "side", "amount", "quantity"),
    [("value", "buy", "1.000,00", 25), ("percent", "buy", "50", 12), ("percent", "sell", "25", 50)],
)
def test_an_amount_becomes_shares_by_what_the_market_would_hold(
    api: Scripted, unit: str, side: str, amount: str, quantity: int
) -> None:
    page = open_page()
    page.segmented_control(key="ticket_side").set_value(side).run()
    page.segmented_control(key="ticket_unit").set_value(unit).run()
    page.text_input(key=f"ticket_{unit}").set_value(amount)
    _press(page, f"ticket_{side}")
    assert [body["quantity"] for body in _sent(api, "POST /orders/preview")] == [1]
    assert [body["quantity"] for body in _sent(api, "POST /orders")] == [quantity]


def test_an_amount_that_is_no_order_is_told_and_not_sent(api: Scripted) -> None:
    page = open_page()
    page.segmented_control(key="ticket_unit").set_value("percent").run()
    for amount, told in (("101", "above 0 and at most 100"), ("1", "one lot, which needs R$ 40,00")):
        page.text_input(key="ticket_percent").set_value(amount)
        assert told in _press(page, "ticket_buy").error[0].value
    assert _sent(api, "POST /orders") == []


def test_an_order_is_confirmed_before_it_is_sent_unless_told_not_to(api: Scripted) -> None:
    api.answer("GET /preferences", 200, {})
    page = _press(open_page(), "ticket_buy")
    assert _sent(api, "POST /orders") == []
    assert any("Buy 100 PETR4, at R$ 38,50 or better." in text.value for text in page.markdown)
    assert previews(page)
    assert page.button(key="confirm_buy").label == "Buy 100 PETR4"
    api.answer("PUT /preferences/confirm_orders", 204, {})
    page.checkbox(key="ticket_confirm_orders").uncheck().run()
    assert _sent(api, "PUT /preferences/confirm_orders") == [{"value": False}]
    page.text_input(key="ticket_quantity").set_value("7")
    _press(page, "ticket_buy")
    assert [body["quantity"] for body in _sent(api, "POST /orders")] == [7]


def test_preferences_that_cannot_be_had_leave_the_confirmation_on(api: Scripted) -> None:
    api.answer("GET /preferences", 503, {"reason": "database_unavailable", "message": "Away."})
    assert open_page().checkbox(key="ticket_confirm_orders").value is True


@pytest.mark.parametrize(
    ("order_type", "fields"),
    [
        ("stop", {"ticket_stop_price_PETR4"}),
        ("stop_limit", {"ticket_stop_price_PETR4", "ticket_price_PETR4"}),
        ("market_to_limit", set()),
        ("limit", {"ticket_price_PETR4", "ticket_display"}),
    ],
)
def test_the_ticket_asks_for_what_the_type_needs(api: Scripted, order_type: str, fields: set[str]) -> None:
    page = open_page()
    page.selectbox(key="ticket_type").set_value(order_type).run()
    assert {field.key for field in page.text_input} == fields | {"ticket_quantity"}


def test_history_lists_searches_and_tells_profit_by_day(api: Scripted) -> None:
    page = open_page("history")
    assert page.dataframe[0].value["symbol"].tolist() == ["PETR4", "VALE3"]
    page.text_input(key="search").set_value("vale3 canceled").run()
    assert page.dataframe[0].value["order_id"].tolist() == ["o-2"]
    # The one that is left tells its life, which a phone's cards lead to by such a search.
    assert len(page.dataframe) == 2
    assert page.markdown[-1].value.endswith("order o-2")
    page.text_input(key="search").set_value("")
    page.segmented_control(key="show").set_value("Trades").run()
    assert page.dataframe[0].value["value"].tolist() == [3850.0]
    page.segmented_control(key="show").set_value("Profit by day").run()
    assert page.dataframe[0].value[["bought", "fees"]].values.tolist() == [[100, 1.0]]


@pytest.mark.parametrize("view", ["history", "analysis"])
def test_an_api_away_is_told_and_never_a_traceback(api: Scripted, view: str) -> None:
    away = {"reason": "database_unavailable", "message": "The history cannot be read now."}
    for name in ("GET /orders", "GET /candles/PETR4"):
        api.answer(name, 503, away)
    page = open_page(view)
    assert "The history cannot be read now. Trying again" in page.warning[0].value
    for name, body in (
        ("GET /orders", [answers.ORDER]),
        ("GET /candles/PETR4", NO_CANDLES),
    ):
        api.answer(name, 200, body)
    page.run()
    assert not page.exception
    assert not page.warning


def test_analysis_of_a_market_without_trades_says_so(api: Scripted) -> None:
    page = open_page("analysis")
    assert sum("Not enough trades yet" in caption.value for caption in page.caption) >= 5


def _admin(api: Scripted, cookies: dict[str, str]) -> AppTest:
    api.sessions["hbs_eva"] = {"username": "eva", "role": "admin", "investor_id": None, "read_only": False}
    cookies[SESSION_COOKIE] = "hbs_eva"
    return open_page("admin")


def test_an_admin_steers_halts_and_deposits(api: Scripted, cookies: dict[str, str]) -> None:
    page = _admin(api, cookies)
    assert any("9 records behind" in caption.value for caption in page.caption)
    assert page.radio[0].value == "calm"
    page.radio[0].set_value("flash_crash")
    _press(page, "steer")
    assert _sent(api, "PUT /admin/simulator") == [{"scenario": "flash_crash", "rate": 80.0}]
    page.multiselect[0].set_value(["PETR4"])
    page.segmented_control[0].set_value("halted")
    _press(page, "set_phase")
    assert _sent(api, "PUT /admin/assets/PETR4/phase") == [{"phase": "halted"}]
    [account] = [field for field in page.text_input if field.label == "Account"]
    account.set_value("a/b")
    _press(page, "admin_deposit")
    assert _sent(api, "POST /admin/accounts/a%2Fb/deposits") == [{"cash": 1_000.0}]


def test_a_refusal_is_told_to_the_admin(api: Scripted, cookies: dict[str, str]) -> None:
    api.answer("PUT /admin/simulator", 422, {"reason": "malformed", "message": "rate is too high."})
    page = _press(_admin(api, cookies), "steer")
    assert "Steering the simulator was not done. rate is too high." in page.error[0].value


def test_of_several_symbols_each_refusal_is_told(api: Scripted, cookies: dict[str, str]) -> None:
    api.answer("GET /assets", 200, [answers.TICKER, answers.TICKER | {"symbol": "VALE3"}])
    api.answer("PUT /admin/assets/PETR4/phase", 422, {"reason": "malformed", "message": "PETR4 stays."})
    api.answer("PUT /admin/assets/VALE3/phase", 200, DONE)
    page = _admin(api, cookies)
    page.multiselect[0].set_value(["PETR4", "VALE3"])
    page = _press(page, "set_phase")
    assert "PETR4 stays." in page.error[0].value
    assert [toast.value.split(":")[0] for toast in page.toast] == ["PETR4", "VALE3"]


def test_the_admin_page_is_for_admins(api: Scripted) -> None:
    page = open_page("admin")
    assert mounted(page) == ["signed_in"]
    assert "for the market's admins" in page.info[0].value
    assert not any(request.name.startswith("GET /admin") for request in api.requests)
