"""The pages' own logic, run by Streamlit's AppTest; what lives in the browser is in test_browser.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import dashboard
from tests.dashboard.api_double import PETR4, Scripted, scripted_api

TRADE = Path(dashboard.__file__).parent / "views" / "trade.py"
PLACED = {
    "order_id": "o-1",
    "symbol": "PETR4",
    "side": "buy",
    "status": "new",
    "quantity": 100,
    "price": 38.5,
}
VALE3 = PETR4 | {"symbol": "VALE3", "name": "Vale ON", "last_price": 61.2, "lot_size": 100}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    with scripted_api() as scripted:
        monkeypatch.setenv("HOMEBROKER_API_URL", scripted.url)
        scripted.answer("GET /assets", 200, [PETR4, VALE3])
        scripted.answer("POST /orders", 201, PLACED)
        yield scripted
    st.cache_resource.clear()


def _page(**query: str) -> AppTest:
    page = AppTest.from_file(str(TRADE), default_timeout=30)
    for name, value in query.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def _send(page: AppTest) -> AppTest:
    page.button[0].click().run()
    assert not page.exception
    return page


def test_a_ticket_becomes_the_order_that_was_typed(api: Scripted) -> None:
    page = _page()
    page.text_input(key="ticket_quantity").set_value("1.200")
    page.text_input(key="ticket_price_PETR4").set_value("38,49")
    page.selectbox(key="ticket_time_in_force").set_value("gtc")
    page.checkbox(key="ticket_post_only").check()
    _send(page)
    [sent] = api.bodies
    assert sent.pop("client_order_id").startswith("page-")
    assert sent == {
        "symbol": "PETR4",
        "side": "buy",
        "type": "limit",
        "quantity": 1200,
        "price": 38.49,
        "time_in_force": "gtc",
        "post_only": True,
    }
    assert page.info[0].value == "Order to buy 100 PETR4 at R$ 38,50 is in the book."


def test_the_ticket_starts_at_the_last_price(api: Scripted) -> None:
    assert _page().text_input(key="ticket_price_PETR4").value == "38,50"


def test_the_address_chooses_the_symbol(api: Scripted) -> None:
    page = _page(symbol="vale3")
    assert page.button[0].label == "Buy VALE3"
    assert page.text_input(key="ticket_price_VALE3").value == "61,20"


@pytest.mark.parametrize("symbol", ["", "NONE9", "<script>", "x" * 5000])
def test_a_foreign_symbol_in_the_address_is_no_error(api: Scripted, symbol: str) -> None:
    assert _page(symbol=symbol, interval="7y").button[0].label == "Buy PETR4"


def test_a_market_order_asks_for_no_price(api: Scripted) -> None:
    page = _page()
    page.selectbox(key="ticket_type").set_value("market").run()
    assert [field.key for field in page.text_input] == ["ticket_quantity"]
    _send(page)
    assert "price" not in api.bodies[0]
    assert api.bodies[0]["type"] == "market"


def test_a_wrong_number_is_told_and_not_sent(api: Scripted) -> None:
    page = _page()
    page.text_input(key="ticket_price_PETR4").set_value("38.510")
    _send(page)
    assert "decimal comma, such as 38,50" in page.error[0].value
    assert api.bodies == []


def test_the_same_click_twice_has_one_id(api: Scripted) -> None:
    page = _send(_send(_page()))
    first, second = api.bodies
    assert first["client_order_id"] == second["client_order_id"]
    page.text_input(key="ticket_quantity").set_value("200")
    _send(page)
    assert api.bodies[2]["client_order_id"] != first["client_order_id"]


def test_a_refusal_is_told_in_the_engine_s_words(api: Scripted) -> None:
    api.answer("POST /orders", 422, {"reason": "halted", "message": "PETR4 is halted."})
    assert _send(_page()).error[0].value == "No order was placed. PETR4 is halted."


def test_a_lost_answer_is_no_failure_and_a_retry_is_the_same_order(
    api: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.ticket.REPEAT_WINDOW_S", 0.0)
    api.answer("POST /orders", 0, None)
    page = _send(_page())
    assert "may have been placed" in page.warning[0].value
    api.answer("POST /orders", 201, PLACED)
    _send(page)
    assert len({body["client_order_id"] for body in api.bodies}) == 1


def test_an_empty_market_is_told(api: Scripted) -> None:
    api.answer("GET /assets", 200, [])
    assert "no listed symbols" in _page().warning[0].value


def test_an_api_away_is_told_and_the_page_comes_back(api: Scripted) -> None:
    api.answer("GET /assets", 503, {"reason": "starting", "message": "The market is starting."})
    page = _page()
    assert "The market is starting. Trying again" in page.warning[0].value
    api.answer("GET /assets", 200, [PETR4])
    page.run()
    assert not page.exception
    assert page.button[0].label == "Buy PETR4"
