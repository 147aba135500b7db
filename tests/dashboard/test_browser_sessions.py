"""Signing in and out, several people, and their accounts: in real Chromium on a whole running market."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.dashboard.conftest import TradingFloor, ask, bearer, send_without_asking, sign_in, sign_in_demo

pytestmark = [pytest.mark.kafka, pytest.mark.browser]

PATIENT_MS = 60_000
FAR_PRICE = "25,00"
PASSWORD = "a-good-long-one"
NewBrowser = Callable[[], Page]


@pytest.fixture(autouse=True)
def _patient() -> None:
    expect.set_options(timeout=PATIENT_MS)


def _is_in(page: Page, username: str, role: str = "trader") -> None:
    expect(page.locator(".hb-signed-in b")).to_have_text(username)
    expect(page.locator(".hb-role")).to_have_text(role)


def _is_at_the_door(page: Page) -> None:
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.locator(".hb-signed-in")).to_have_count(0)
    expect(page.locator(".hb-orders, .hb-account, .hb-account-page")).to_have_count(0)
    assert page.get_by_test_id("stException").count() == 0


def _register(page: Page, floor: TradingFloor) -> str:
    username = f"t{secrets.token_hex(4)}"
    page.goto(floor.url)
    page.get_by_role("button", name="New here? Register").click()
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Register", exact=True).click()
    _is_in(page, username)
    return username


def _open_account(page: Page) -> None:
    page.get_by_role("button", name="Open my account").click()
    expect(page.get_by_label("Quantity", exact=True)).to_be_visible()


def _deposit(page: Page, floor: TradingFloor, amount: str) -> None:
    page.goto(f"{floor.url}/portfolio")
    page.get_by_label("Amount (R$)").fill(amount)
    page.get_by_role("button", name="Deposit").click()
    expect(page.get_by_test_id("stAlert")).to_contain_text(f"Deposited R$ {amount}.")


def test_signing_in_keeps_what_the_address_says_and_outlives_a_reload_and_a_new_tab(
    new_browser: NewBrowser, floor: TradingFloor, artifacts: Path
) -> None:
    page = new_browser()
    page.goto(f"{floor.url}/?symbol=VALE3&interval=5m")
    _is_at_the_door(page)
    expect(page.locator(".hb-demo")).to_contain_text("analyst")
    page.screenshot(path=artifacts / "sign-in.png")
    sign_in(page, "demo", "demo-trader")
    _is_in(page, "demo")
    expect(page.locator(".hb-symbol")).to_have_value("VALE3")
    expect(page.locator(".hb-intervals [aria-pressed=true]")).to_have_text("5m")
    page.reload()
    _is_in(page, "demo")
    tab = page.context.new_page()
    tab.goto(f"{floor.url}/market")
    _is_in(tab, "demo")
    expect(tab.locator(".hb-watch tbody tr")).not_to_have_count(0)
    assert page.evaluate("document.cookie.includes('homebroker_session')") is False


def test_a_wrong_password_is_told_and_too_many_have_to_wait(
    new_browser: NewBrowser, floor: TradingFloor
) -> None:
    page = new_browser()
    page.goto(floor.url)
    name = f"nobody-{secrets.token_hex(4)}"
    trouble = page.locator(".hb-door .hb-trouble")
    button = page.get_by_role("button", name="Sign in", exact=True)
    sign_in(page, name, "wrong")
    expect(trouble).to_have_text("Username and password do not match; try again.")
    for _ in range(8):
        expect(button).to_be_enabled()
        button.click()
        expect(page.get_by_role("button", name="Signing in…")).to_have_count(0)
        if "Too many" in trouble.inner_text():
            break
    expect(trouble).to_contain_text(re.compile(r"Try again in \d+ s\."))
    expect(button).to_be_disabled()
    expect(trouble).to_have_text("You can try again now.")
    expect(button).to_be_enabled()
    sign_in(page, "demo", "demo-trader")
    _is_in(page, "demo")


def test_signing_out_ends_the_session_in_every_tab_and_at_the_api(page: Page, floor: TradingFloor) -> None:
    page.goto(floor.url)
    _is_in(page, "demo")
    tab = page.context.new_page()
    tab.goto(f"{floor.url}/portfolio")
    _is_in(tab, "demo")
    [cookie] = [each for each in page.context.cookies() if each["name"] == "homebroker_session"]
    page.get_by_role("button", name="Sign out").click()
    _is_at_the_door(page)
    _is_at_the_door(tab)
    assert tab.url.endswith("/portfolio")
    assert [each for each in page.context.cookies() if each["name"] == "homebroker_session"] == []
    page.context.add_cookies([cookie])
    page.reload()
    _is_at_the_door(page)


def test_a_session_that_ends_elsewhere_leads_to_the_door(page: Page, floor: TradingFloor) -> None:
    page.goto(f"{floor.url}/?symbol=VALE3")
    _is_in(page, "demo")
    expect(page.locator(".hb-cash dd").first).to_contain_text("R$")
    answer = page.request.post(
        f"http://localhost:{floor.settings.api_port}/auth/logout", headers=bearer(page)
    )
    assert answer.status == 204, answer.text()
    _is_at_the_door(page)
    assert "symbol=VALE3" in page.url


def test_two_people_see_only_their_own(page: Page, new_browser: NewBrowser, floor: TradingFloor) -> None:
    other = new_browser()
    _register(other, floor)
    send_without_asking(other, floor)
    _open_account(other)
    _deposit(other, floor, "50.000,00")
    page.goto(floor.url)
    other.goto(floor.url)
    for seen in (page, other):
        expect(seen.locator(".hb-cash dd").first).to_contain_text("R$")
    other.get_by_label("Price (R$)").fill(FAR_PRICE)
    other.get_by_role("button", name="Buy PETR4", exact=True).click()
    expect(other.get_by_test_id("stAlert")).to_contain_text("went into the book")
    expect(other.locator(".hb-orders tbody tr")).to_have_count(1)
    expect(other.locator(".hb-cash dd").nth(2)).to_have_text("R$ 47.499,24")  # the fee is held, too
    page.wait_for_timeout(1_500)
    expect(page.locator(".hb-orders tbody tr")).to_have_count(0)
    assert page.locator(".hb-cash dd").nth(1).inner_text() != "R$ 50.000,00"
    assert page.locator(".hb-toast").count() == 0
    assert page.get_by_test_id("stAlert").count() == 0
    assert ask(page, floor, "/orders?status=open") == []
    [order] = ask(other, floor, "/orders?status=open")
    address = f"http://localhost:{floor.settings.api_port}/orders/{order['order_id']}"
    assert page.request.delete(address, headers=bearer(page)).status == 404
    assert other.request.delete(address, headers=bearer(other)).status == 200
    expect(other.locator(".hb-orders tbody tr")).to_have_count(0)


def test_another_user_in_the_same_browser_takes_over_every_tab(page: Page, floor: TradingFloor) -> None:
    page.goto(f"{floor.url}/portfolio")
    _is_in(page, "demo")
    tab = page.context.new_page()
    tab.goto(floor.url)
    tab.get_by_role("button", name="Sign out").click()
    _is_at_the_door(tab)
    sign_in(tab, "analyst", "demo-analyst")
    _is_in(tab, "analyst", "analyst")
    _is_in(page, "analyst", "analyst")
    expect(page.get_by_test_id("stAlert")).to_contain_text("signed in as an analyst")
    expect(page.locator(".hb-account-page")).to_have_count(0)
    expect(tab.locator(".hb-bids .hb-level b:not(:empty)")).not_to_have_count(0)
    expect(tab.locator(".hb-orders, .hb-account")).to_have_count(0)
    expect(tab.get_by_role("button", name="Buy PETR4", exact=True)).to_have_count(0)


def test_a_tab_that_was_loading_while_another_signed_in_is_in_too(
    new_browser: NewBrowser, floor: TradingFloor
) -> None:
    page = new_browser()
    held: list[Route] = []
    address = f"http://localhost:{floor.settings.api_port}/health"
    page.route(address, lambda route: held.append(route))  # noqa: PLW0108 - no method of a list will do
    page.goto(floor.url)
    _is_at_the_door(page)
    while not held:
        page.wait_for_timeout(50)
    sign_in_demo(page, floor)
    held[0].continue_()
    _is_in(page, "demo")


def test_a_new_trader_opens_an_account_and_moves_money(
    new_browser: NewBrowser, floor: TradingFloor, artifacts: Path
) -> None:
    page = new_browser()
    _register(page, floor)
    _open_account(page)
    page.get_by_role("link", name="Portfolio").click()
    expect(page.locator(".hb-worth dd").first).to_have_text("R$ 0,00")
    page.get_by_label("Amount (R$)").fill("1.500,50")
    # A double click is one deposit.
    page.get_by_role("button", name="Deposit").dblclick()
    expect(page.get_by_test_id("stAlert")).to_contain_text("Deposited R$ 1.500,50.")
    expect(page.locator(".hb-worth dd").first).to_have_text("R$ 1.500,50")
    page.wait_for_timeout(2_000)
    assert ask(page, floor, "/account")["cash"] == 1500.5
    page.get_by_label("Amount (R$)").fill("2.000,00")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("Nothing was withdrawn.")
    page.get_by_label("Amount (R$)").fill("500,50")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("Withdrew R$ 500,50.")
    expect(page.locator(".hb-worth dd").first).to_have_text("R$ 1.000,00")
    page.screenshot(path=artifacts / "portfolio-new.png")


def test_a_preview_tells_price_and_refusal_before_anything_is_sent(
    page: Page, floor: TradingFloor, artifacts: Path
) -> None:
    page.goto(floor.url)
    page.get_by_label("Quantity", exact=True).fill("100")
    page.get_by_label("Price (R$)").fill("41,00")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".preview")).to_contain_text("Trades at once100 PETR4")
    expect(page.locator(".preview")).to_contain_text(re.compile(r"Estimated priceR\$ \d+,\d\d"))
    page.screenshot(path=artifacts / "trade-preview.png")
    page.get_by_label("Quantity", exact=True).fill("1.000.000")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("It would be refused.")
    expect(page.get_by_test_id("stAlert")).to_contain_text(re.compile(r"R\$\s41\.012\.400,00 in cash"))
    assert ask(page, floor, "/orders?status=open") == []


def test_the_account_page_draws_worth_and_curve_live(
    page: Page, floor: TradingFloor, artifacts: Path
) -> None:
    page.goto(f"{floor.url}/portfolio")
    rows = page.locator(".hb-positions tbody tr")
    expect(rows.filter(has_text="PETR4")).to_have_count(1)
    page.wait_for_selector(".hb-equity .scatterlayer path.js-line", state="attached")
    account = ask(page, floor, "/account")
    cash = page.locator(".hb-worth dl", has_text="Cash").locator("dd")
    expect(cash).to_have_text(f"R$ {account['cash']:,.2f}".translate(str.maketrans(",.", ".,")))
    equity = page.locator(".hb-worth dd").first
    before = equity.inner_text()
    expect(equity).not_to_have_text(before)
    for name in ("1h", "1w", "1M", "1y", "1d"):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.locator(".hb-bar [aria-pressed=true]").first).to_have_text(name)
        page.wait_for_selector(".hb-equity .scatterlayer path.js-line", state="attached")
    page.get_by_role("button", name="Profit", exact=True).click()
    expect(page.locator(".hb-figures")).to_contain_text("Paid in")
    page.screenshot(path=artifacts / "portfolio.png")
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollHeight - e.clientHeight") <= 0, "it fits a screen of 1366x768"
    page.emulate_media(color_scheme="light")
    page.wait_for_function(
        "getComputedStyle(document.querySelector('.hb')).getPropertyValue('--hb-pane').trim() === '#ffffff'"
    )
    page.screenshot(path=artifacts / "portfolio-light.png")


def test_the_door_says_that_the_api_is_away_and_opens_by_itself(
    new_browser: NewBrowser, floor: TradingFloor
) -> None:
    page = new_browser()
    page.goto(floor.url)
    _is_at_the_door(page)
    floor.stop("api")
    try:
        sign_in(page, "demo", "demo-trader")
        expect(page.get_by_role("alert").filter(has_text="The market does not answer")).to_be_visible()
    finally:
        floor.start("api")
    expect(page.get_by_role("alert").filter(has_text="The market does not answer")).to_be_hidden()
    sign_in(page, "demo", "demo-trader")
    _is_in(page, "demo")


def test_an_api_away_keeps_whoever_was_signed_in(page: Page, floor: TradingFloor) -> None:
    page.goto(f"{floor.url}/?symbol=VALE3")
    _is_in(page, "demo")
    floor.stop("api")
    try:
        page.reload()
        expect(page.get_by_test_id("stAlert")).to_contain_text("Trying again")
    finally:
        floor.start("api")
    _is_in(page, "demo")
    expect(page.locator(".hb-symbol")).to_have_value("VALE3")
