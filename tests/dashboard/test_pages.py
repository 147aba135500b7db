"""The Trade page's own logic, run by Streamlit's AppTest; what lives in the browser is in test_browser.py."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.dashboard import answers
from tests.dashboard.api_double import Scripted
from tests.dashboard.app_pages import open_page, previews

VALE3 = answers.TICKER | {"symbol": "VALE3", "name": "Vale ON", "last_price": 61.2, "lot_size": 100}


@pytest.fixture(autouse=True)
def market(api: Scripted) -> None:
    api.answer("GET /assets", 200, [answers.TICKER, VALE3])
    api.answer("GET /assets/PETR4", 200, answers.TICKER)
    api.answer("GET /account", 200, answers.ACCOUNT)
    api.answer("POST /orders", 201, answers.ORDER)
    api.answer("POST /orders/preview", 200, answers.PREVIEW)


def _send(page: AppTest, side: str = "buy") -> AppTest:
    return _press(page, f"ticket_{side}")


def _press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    assert not page.exception
    return page


def test_a_ticket_becomes_the_order_that_was_typed(api: Scripted) -> None:
    page = open_page()
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
        "quantity": 1200,
        "price": 38.49,
        "time_in_force": "gtc",
        "post_only": True,
    }
    assert page.info[0].value == "Order to buy 100 PETR4 at R$ 38,50 went into the book."


def test_the_ticket_starts_at_the_last_price(api: Scripted) -> None:
    assert open_page().text_input(key="ticket_price_PETR4").value == "38,50"


def test_the_address_chooses_the_symbol(api: Scripted) -> None:
    page = open_page(symbol="vale3")
    assert page.button(key="ticket_buy").label == "Buy VALE3"
    assert page.text_input(key="ticket_price_VALE3").value == "61,20"


@pytest.mark.parametrize("symbol", ["", "NONE9", "<script>", "x" * 5000])
def test_a_foreign_symbol_in_the_address_is_no_error(api: Scripted, symbol: str) -> None:
    page = open_page(symbol=symbol, interval="7y")
    assert page.button(key="ticket_buy").label == "Buy PETR4"
    if symbol:
        assert page.query_params["symbol"] == "PETR4"
    named = {"<script>": "SCRIPT"}.get(symbol, symbol.upper()[:16])
    told = [toast.value for toast in page.toast]
    assert told == (
        [f"There is no {named} in this market; this is PETR4. Choose another above."] if named else []
    )


def test_a_market_order_asks_for_no_price(api: Scripted) -> None:
    page = open_page()
    page.selectbox(key="ticket_type").set_value("market").run()
    assert [field.key for field in page.text_input] == ["ticket_quantity"]
    _send(page)
    assert "price" not in api.bodies[0]
    assert api.bodies[0]["type"] == "market"


def test_an_order_for_the_close_hides_and_insists_on_nothing(api: Scripted) -> None:
    api.answer(
        "POST /orders", 201, answers.ORDER | {"status": "pending_trigger", "time_in_force": "at_close"}
    )
    page = open_page()
    page.checkbox(key="ticket_post_only").check()
    page.text_input(key="ticket_display").set_value("10")
    page.selectbox(key="ticket_time_in_force").set_value("at_close").run()
    assert "ticket_post_only" not in [box.key for box in page.checkbox]
    _send(page)
    [sent] = api.bodies
    del sent["client_order_id"]
    assert sent == {
        "symbol": "PETR4",
        "side": "buy",
        "quantity": 100,
        "price": 38.5,
        "time_in_force": "at_close",
    }
    told = "Order to buy 100 PETR4 at R$ 38,50 waits for the auction that closes the market."
    assert page.info[0].value.replace("\u00a0", " ") == told


@pytest.mark.parametrize("phase", ["continuous", "auction", "halted", "closed"])
def test_auctions_are_offered_to_limit_orders_in_every_phase(api: Scripted, phase: str) -> None:
    api.answer("GET /assets", 200, [answers.TICKER | {"phase": phase}])
    page = open_page()
    assert {"At the opening", "At the close"} < set(page.selectbox(key="ticket_time_in_force").options)
    page.selectbox(key="ticket_type").set_value("market").run()
    assert "At the opening" not in page.selectbox(key="ticket_time_in_force").options


def test_a_wrong_number_is_told_and_not_sent(api: Scripted) -> None:
    page = open_page()
    page.text_input(key="ticket_price_PETR4").set_value("38.510")
    _send(page)
    assert "decimal comma, such as 38,50" in page.error[0].value
    assert api.bodies == []


def test_the_same_click_twice_has_one_id(api: Scripted) -> None:
    page = _send(_send(open_page()))
    first, second = api.bodies
    assert first["client_order_id"] == second["client_order_id"]
    page.text_input(key="ticket_quantity").set_value("200")
    _send(page)
    assert api.bodies[2]["client_order_id"] != first["client_order_id"]


def test_a_refusal_is_told_in_the_engine_s_words(api: Scripted) -> None:
    api.answer("POST /orders", 422, {"reason": "halted", "message": "PETR4 is halted."})
    assert _send(open_page()).error[0].value == "No order was placed. PETR4 is halted."


def test_a_lost_answer_is_no_failure_and_a_retry_is_the_same_order(
    api: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.ticket.REPEAT_WINDOW_S", 0.0)
    api.answer("POST /orders", 0, None)
    page = _send(open_page())
    assert "may have been placed" in page.warning[0].value
    api.answer("POST /orders", 201, answers.ORDER)
    _send(page)
    assert len({body["client_order_id"] for body in api.bodies}) == 1


def test_an_order_that_waits_for_its_answer_is_not_placed_twice(
    api: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.ticket.REPEAT_WINDOW_S", 0.0)
    api.answer("POST /orders", 202, answers.PENDING)
    page = _send(open_page())
    assert "has not answered yet" in page.warning[0].value
    api.answer("POST /orders", 200, answers.ORDER)
    _send(page)
    told = "It is the order that you sent before, placed once. Order to buy 100 PETR4 at R$ 38,50"
    assert page.info[0].value.startswith(told)
    api.answer("POST /orders", 201, answers.ORDER)
    _send(page)
    assert page.info[0].value.startswith("Order to buy 100")
    first, second, third = (body["client_order_id"] for body in api.bodies)
    assert first == second != third


def test_a_slip_is_asked_about_even_where_nothing_is_to_be_asked(api: Scripted) -> None:
    page = open_page()
    page.text_input(key="ticket_price_PETR4").set_value("385,00")
    _send(page)
    assert not any(request.name == "POST /orders" for request in api.requests)
    assert "900,0% above the last price, R$ 38,50" in page.warning[0].value
    assert page.button(key="confirm_buy").label == "Buy 100 PETR4"


def test_a_price_that_cannot_be_looked_up_keeps_no_order_back(api: Scripted) -> None:
    api.answer("GET /assets/PETR4", 503, {"reason": "starting", "message": "The market is starting."})
    assert _send(open_page()).info


def test_an_empty_market_is_told(api: Scripted) -> None:
    api.answer("GET /assets", 200, [])
    assert "no listed symbols" in open_page().warning[0].value


def test_an_api_away_is_told_and_the_page_comes_back(api: Scripted) -> None:
    api.answer("GET /assets", 503, {"reason": "starting", "message": "The market is starting."})
    page = open_page()
    assert "The market is starting. Trying again" in page.warning[0].value
    api.answer("GET /assets", 200, [answers.TICKER])
    page.run()
    assert not page.exception
    assert page.button(key="ticket_buy").label == "Buy PETR4"


def test_a_preview_tells_what_the_order_would_do_and_places_nothing(api: Scripted) -> None:
    page = open_page()
    page.text_input(key="ticket_quantity").set_value("1.000")
    _press(page, "ticket_preview")
    assert [request.name for request in api.requests if request.body] == ["POST /orders/preview"]
    assert api.bodies == [
        {
            "symbol": "PETR4",
            "side": "buy",
            "quantity": 1000,
            "price": 38.5,
        }
    ]
    [told] = previews(page)
    for name, value in [
        ("Trades at once", "600 PETR4"),
        ("Estimated price", "R$ 38,52"),
        ("Slippage", "R$ 12,00 (0,05%)"),
        ("Waits", "400"),
        ("Fees", "R$ 6,93"),
        ("Cash held", "R$ 15.412,00"),
        ("Available after", "R$ 61.469,07"),
    ]:
        assert f"<dt>{name}</dt><dd>{value}</dd>" in told
    assert not page.error


def test_a_preview_tells_a_refusal_before_it_happens(api: Scripted) -> None:
    message = "It needs 38500.0 in cash and 100.5 is free; deposit cash, cancel orders or make it smaller."
    refused = {"reason": "insufficient_cash", "message": message}
    api.answer("POST /orders/preview", 200, answers.PREVIEW | {"would_be_refused": refused})
    page = _press(open_page(), "ticket_preview")
    assert page.error[0].value == (
        "It would be refused. It needs R$\u00a038.500,00 in cash and R$\u00a0100,50 is free; "
        "deposit cash, cancel orders or make it smaller."
    )
    assert previews(page) == []


def test_a_preview_that_cannot_be_had_places_nothing_and_says_so(api: Scripted) -> None:
    page = open_page()
    api.answer("POST /orders/preview", 503, {"reason": "starting", "message": "The book is being read."})
    assert "There is no preview now" in _press(page, "ticket_preview").warning[0].value
    page.text_input(key="ticket_quantity").set_value("none")
    assert "whole number" in _press(page, "ticket_preview").error[0].value
    assert not any(request.name == "POST /orders" for request in api.requests)


def test_a_sent_order_takes_the_preview_s_place(api: Scripted) -> None:
    page = _press(open_page(), "ticket_preview")
    assert previews(page)
    _send(page)
    assert page.info
    assert not previews(page)
    _press(page, "ticket_preview")
    assert previews(page)
    assert not page.info


def test_a_trader_without_an_account_opens_it_from_the_ticket(api: Scripted) -> None:
    api.answer("GET /account", 404, {"reason": "unknown_investor", "message": "There is no account."})
    page = open_page()
    assert [button.key for button in page.button] == ["open_account"]
    api.answer("POST /account", 422, {"reason": "limit_exceeded", "message": "There is no room."})
    assert "The account was not opened. There is no room." in _press(page, "open_account").error[0].value
    api.answer("POST /account", 201, {"status": "done", "message": "Done."})
    api.answer("GET /account", 200, answers.ACCOUNT)
    _press(page, "open_account")
    assert page.button(key="ticket_buy").label == "Buy PETR4"


def test_an_empty_history_says_how_it_fills_and_an_empty_search_that_it_is_one(api: Scripted) -> None:
    api.answer("GET /orders", 200, [])
    page = open_page("history")
    assert page.info[0].value.startswith("No orders yet: what you send from the Trade page")
    assert not page.caption
    page.text_input(key="search").set_value("x").run()
    assert page.info[0].value == "None of your orders has these words."
