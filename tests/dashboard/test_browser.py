"""What a trader does, in real Chromium on a whole running market."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Page, expect

from engine.log import LogWriter, NewRecord
from engine.topics import ORDERS
from tests.dashboard.conftest import TradingFloor, ask, bearer, send_without_asking
from tests.market import run_apart

pytestmark = [pytest.mark.kafka, pytest.mark.browser]

PATIENT_MS = 60_000
UPDATES_WATCHED_MS = 16_000
FAR_PRICE = "25,00"  # far below the market and within its price band
PLOT = ".hb-plot .main-svg"
BOXES = ".hb-plot g.boxes path.box"


@pytest.fixture(autouse=True)
def _patient() -> None:
    expect.set_options(timeout=PATIENT_MS)


def _open_trade(page: Page, floor: TradingFloor, query: str = "") -> None:
    page.goto(f"{floor.url}/{query}")
    page.wait_for_selector(BOXES, state="attached")
    page.wait_for_function("document.querySelectorAll('.hb-bids .hb-level b:not(:empty)').length >= 5")
    expect(page.get_by_label("Quantity", exact=True)).to_be_visible()


def _wait_for_another_trade(page: Page) -> None:
    before = page.locator(".hb-prints").inner_text()
    page.wait_for_function("before => document.querySelector('.hb-prints').innerText !== before", arg=before)


def _type_order(page: Page, *, quantity: str, price: str) -> None:
    page.get_by_label("Quantity", exact=True).fill(quantity)
    page.get_by_label("Price (R$)").fill(price)


def _choose(page: Page, key: str, name: str) -> None:
    page.locator(f".st-key-{key} input").first.click()
    page.get_by_role("option", name=name, exact=True).click()


def _choose_type(page: Page, name: str) -> None:
    _choose(page, "ticket_type", name)


def _wait_for_whole_ticket(page: Page) -> None:
    # While the ticket is being made anew, a field of the old one may stand beside its successor.
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def test_the_page_draws_the_running_market(page: Page, floor: TradingFloor, artifacts: Path) -> None:
    _open_trade(page, floor)
    expect(page.locator(".hb-strip button")).not_to_have_count(0)
    expect(page.locator(".hb-last").first).to_have_text(re.compile(r"^\d+,\d\d$"))
    assert page.locator(BOXES).count() >= 5
    assert page.locator(".hb-asks .hb-level b:not(:empty)").count() >= 5
    _wait_for_another_trade(page)
    page.screenshot(path=artifacts / "trade.png")
    scrolled = page.evaluate(
        "e => e.scrollHeight - e.clientHeight", page.get_by_test_id("stMain").element_handle()
    )
    assert scrolled <= 0, "the panes fit a screen of 1366x768"


def test_the_market_page_lists_and_opens_symbols(page: Page, floor: TradingFloor, artifacts: Path) -> None:
    page.goto(f"{floor.url}/market")
    row = page.locator(".hb-watch tbody tr", has_text="VALE3")
    expect(row).to_contain_text("Open")
    page.wait_for_selector(".hb-spark polyline[points]")
    before = page.locator(".hb-watch tbody").inner_text()
    page.wait_for_function(
        "before => document.querySelector('.hb-watch tbody').innerText !== before", arg=before
    )
    page.screenshot(path=artifacts / "market.png")
    expect(row.locator(".hb-share span")).to_have_text(re.compile(r"^\d+%$"))
    expect(page.locator(".hb-tile")).to_have_count(8)
    row.get_by_role("button", name="Keep VALE3").click()
    page.get_by_role("button", name="★ Watchlist").click()
    expect(page.locator(".hb-watch tbody tr")).to_have_count(1)
    page.reload()
    expect(page.locator(".hb-watch tbody tr")).to_have_count(1)
    row.get_by_role("button", name="Keep VALE3").click()
    expect(page.get_by_text("No stars yet")).to_be_visible()
    page.get_by_role("button", name="★ Watchlist").click()
    page.get_by_label("Filter by symbol or name").fill("vale")
    expect(page.locator(".hb-watch tbody tr")).to_have_count(1)
    row.get_by_role("button", name="VALE3", exact=True).click()
    expect(page.locator(".hb-symbol")).to_have_value("VALE3")
    assert "symbol=VALE3" in page.url


def test_an_order_typed_into_the_page_is_filled(page: Page, floor: TradingFloor, artifacts: Path) -> None:
    _open_trade(page, floor)
    position = page.locator(".hb-account tbody tr", has_text="PETR4").locator("td").nth(1)
    expect(page.locator(".hb-cash dd").first).to_have_text(re.compile("R"))
    held = int(position.inner_text().replace(".", "")) if position.count() else 0
    _choose_type(page, "Market")
    expect(page.get_by_label("Price (R$)")).to_have_count(0)
    page.get_by_label("Quantity", exact=True).fill("10")
    page.get_by_role("button", name="Buy PETR4", exact=True).click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("Bought 10 PETR4 at R$")
    expect(page.locator(".hb-toast").last).to_contain_text("order filled")
    expect(position).to_have_text(str(held + 10))
    page.screenshot(path=artifacts / "trade-filled.png")


def test_a_resting_order_shows_and_is_canceled(page: Page, floor: TradingFloor, artifacts: Path) -> None:
    _open_trade(page, floor)
    rows = page.locator(".hb-orders tbody tr")
    _type_order(page, quantity="100", price=FAR_PRICE)
    # A double click is one order.
    page.get_by_role("button", name="Buy PETR4", exact=True).dblclick()
    expect(page.get_by_test_id("stAlert")).to_contain_text(f"Order to buy 100 PETR4 at R$ {FAR_PRICE}")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text(FAR_PRICE)
    page.screenshot(path=artifacts / "trade-resting.png")
    assert len(ask(page, floor, "/orders?status=open")) == 1
    expect(page.locator(".hb-order-tag")).to_have_count(0)  # below what the chart shows
    rows.first.get_by_role("button", name="Amend").click()
    page.get_by_label("New price").fill("26,00")
    page.get_by_label("New quantity").fill("150")
    page.get_by_label("New quantity").press("Enter")
    expect(page.locator(".hb-toast", has_text="Order amended")).to_contain_text("Buy 150 PETR4 at R$ 26,00")
    expect(rows.first).to_contain_text("26,00")
    [amended] = ask(page, floor, "/orders?status=open")
    assert (amended["price"], amended["quantity"]) == (26.0, 150)
    rows.first.get_by_role("button", name="Cancel").click()
    expect(rows).to_have_count(0)
    expect(page.locator(".hb-toast", has_text="Order canceled")).to_be_visible()
    assert ask(page, floor, "/orders?status=open") == []


def test_every_kind_of_order_can_be_sent_and_all_are_canceled(
    page: Page, floor: TradingFloor, artifacts: Path
) -> None:
    _open_trade(page, floor)
    rows = page.locator(".hb-orders tbody tr")
    alert = page.get_by_test_id("stAlert")
    buy = page.get_by_role("button", name="Buy PETR4", exact=True)
    last = ask(page, floor, "/assets/PETR4")["last_price"]
    near, above = (f"{last * share:.2f}".replace(".", ",") for share in (0.995, 1.05))
    _choose_type(page, "Stop limit")
    expect(page.get_by_label("Stop price (R$)")).to_be_visible()
    _wait_for_whole_ticket(page)
    page.get_by_label("Stop price (R$)").fill(above)
    page.get_by_label("Price (R$)", exact=True).fill(above)
    buy.click()
    expect(alert).to_contain_text(f"Stop order to buy 100 PETR4 waits for a trade at R$ {above}")
    _choose_type(page, "Stop")
    expect(page.get_by_label("Price (R$)", exact=True)).to_be_hidden()
    _wait_for_whole_ticket(page)
    page.get_by_label("Stop price (R$)").fill(above)
    buy.click()
    expect(rows).to_have_count(2)
    _choose_type(page, "Limit")
    _choose(page, "ticket_time_in_force", "Until a date")
    page.get_by_label("Price (R$)").fill(near)
    page.get_by_role("textbox", name="Show at a time").fill("10")
    page.get_by_text("Post only").click()
    buy.click()
    expect(rows).to_have_count(3)
    tag = page.locator(".hb-order-tag", has_text=f"Buy 100 · {near}")
    expect(tag).to_be_visible()
    page.screenshot(path=artifacts / "trade-orders.png")
    by_type = {order["type"]: order for order in ask(page, floor, "/orders?status=open")}
    assert set(by_type) == {"limit", "stop", "stop_limit"}
    assert by_type["limit"]["time_in_force"] == "gtd"
    assert {order["status"] for order in by_type.values()} == {"new", "pending_trigger"}
    tag.get_by_role("button").click()
    expect(rows).to_have_count(2)
    _choose(page, "ticket_time_in_force", "At the close")
    buy.click()
    expect(alert).to_contain_text(f"at R$ {near} waits for the auction that closes the market")
    expect(rows.filter(has_text="At the close")).to_have_count(1)
    _choose(page, "ticket_time_in_force", "Day")
    _choose_type(page, "Market to limit")
    page.get_by_role("radiogroup", name="Quantity in").get_by_text("R$").click()
    page.get_by_label("Amount (R$)").fill("500,00")
    buy.click()
    expect(alert).to_contain_text(re.compile(rf"Bought {int(500 / (last * 1.02))}\b|Bought 1\d PETR4"))
    page.keyboard.press("Alt+Shift+KeyX")
    expect(rows).to_have_count(0)
    expect(page.locator(".hb-toast", has_text="All orders canceled")).to_be_visible()
    page.get_by_role("tab", name="My trades").click()
    expect(page.locator(".hb-fills tbody tr").first).to_contain_text("PETR4")


def test_the_keyboard_asks_confirms_and_sends_once(page: Page, floor: TradingFloor, artifacts: Path) -> None:
    send_without_asking(page, floor, asks=True)
    _open_trade(page, floor)
    rows = page.locator(".hb-orders tbody tr")
    expect(rows).to_have_count(0)
    _type_order(page, quantity="5", price=FAR_PRICE)
    for keys in ("b", "s", "Shift+B", "Alt+b"):
        page.get_by_label("Quantity", exact=True).press(keys)
    page.get_by_label("Quantity", exact=True).fill("5")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Alt+Shift+KeyB")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Buy 5 PETR4, at R$ {FAR_PRICE} or better.")
    expect(dialog).to_contain_text("Cash held")
    expect(dialog.get_by_role("button", name="Buy 5 PETR4")).to_be_focused()
    page.screenshot(path=artifacts / "trade-confirm.png")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(rows).to_have_count(1)
    page.keyboard.press("Alt+Shift+KeyS")
    expect(dialog).to_contain_text("Sell 5 PETR4")
    dialog.get_by_role("button", name="Back").click()
    expect(dialog).to_have_count(0)
    expect(rows).to_have_count(1)
    page.get_by_text("Ask before an order is sent").click()
    page.wait_for_timeout(500)
    assert ask(page, floor, "/preferences")["confirm_orders"] is False
    page.keyboard.press("Alt+Shift+KeyX")
    expect(rows).to_have_count(0)


def test_studies_are_drawn_and_chosen_again_on_the_next_visit(
    page: Page, floor: TradingFloor, artifacts: Path
) -> None:
    _open_trade(page, floor)
    figures = page.locator(".hb-figures").first
    page.get_by_text("Indicators").click()
    for name in ("MA 20", "VWAP", "Bollinger 20, 2", "RSI 14", "MACD 12, 26, 9"):
        page.locator(".hb-menu").get_by_label(name, exact=True).check()
    expect(figures).to_contain_text(re.compile(r"MA 20\d+,\d\d.*VWAP\d+.*BB upper\d+"))
    page.keyboard.press("Escape")
    drawn = "document.querySelector('.hb-plot').data.filter((trace) => trace.type === 'scatter').length"
    # MA, VWAP, two bands, RSI, MACD and its signal; fills of both sides. The chart is drawn behind its words.
    page.wait_for_function(f"{drawn} === 9")
    page.locator(".hb-plot .nsewdrag").first.hover()
    expect(page.locator(".hb-cross-price")).to_have_text(re.compile(r"^\d+,\d\d$"))
    page.screenshot(path=artifacts / "trade-studies.png")
    page.reload()
    expect(page.locator(".hb-chart > .hb-figures", has_text="RSI 14")).to_have_count(1)
    page.get_by_role("tab", name="Depth").click()
    page.wait_for_selector(".hb-depth-bids[d^=M]")
    saved = page.request.put(
        f"http://localhost:{floor.settings.api_port}/preferences/studies",
        data={"value": []},
        headers=bearer(page),
    )
    assert saved.ok


def test_history_tells_an_order_s_life_and_analysis_keeps_its_address(
    page: Page, floor: TradingFloor, artifacts: Path
) -> None:
    # More than one share may come from more than one seller.
    body = {"symbol": "VALE3", "side": "buy", "type": "market", "quantity": 1}
    sent = page.request.post(
        f"http://localhost:{floor.settings.api_port}/orders", data=body, headers=bearer(page)
    )
    assert sent.ok, sent.text()
    page.goto(f"{floor.url}/history?show=Trades&search=vale3")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    expect(page.get_by_role("textbox", name="Search", exact=True)).to_have_value("vale3")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert "VALE3,Buy,1," in Path(download.value.path()).read_text()
    page.screenshot(path=artifacts / "history.png")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_test_id("stDataFrame")).to_be_hidden()
    page.get_by_text("Buy VALE3").first.click()
    page.get_by_role("link", name="Its life, step by step").first.click()
    expect(page.locator(".st-key-narrow_life summary")).to_contain_text(["Accepted", "Traded"])
    page.screenshot(path=artifacts / "history-phone.png")
    page.set_viewport_size({"width": 1366, "height": 768})
    page.get_by_text("Profit by day", exact=True).click()
    expect(page.get_by_text("Days end at midnight")).to_be_visible()
    page.goto(f"{floor.url}/analysis?symbol=VALE3&interval=1m")
    expect(page.locator(".js-plotly-plot")).to_have_count(7)
    expect(page.get_by_text("Volume profile · VALE3")).to_be_visible()
    page.screenshot(path=artifacts / "analysis.png")
    assert page.get_by_test_id("stException").count() == 0


def test_updates_touch_neither_the_chart_s_node_nor_a_half_typed_order(
    page: Page, floor: TradingFloor
) -> None:
    _open_trade(page, floor)
    page.evaluate(f"window.plotBefore = document.querySelector('{PLOT}')")
    width = (
        "(() => { const r = document.querySelector('.hb-plot').layout.xaxis.range; return r[1] - r[0]; })()"
    )
    whole = page.evaluate(width)
    page.locator(".hb-plot .nsewdrag").first.hover()
    for _ in range(5):  # Plotly zooms a tenth a notch
        page.mouse.wheel(0, -120)
    page.wait_for_function(f"() => {width} < {whole * 0.8}")
    page.wait_for_timeout(500)  # the wheel has come to rest
    zoomed = page.evaluate(width)
    _type_order(page, quantity="7", price="38,")
    page.evaluate(
        "window.draws = 0; document.querySelector('.hb-plot').on('plotly_afterplot', () => window.draws++)"
    )
    page.wait_for_timeout(UPDATES_WATCHED_MS)
    page.wait_for_function("window.draws >= 10")
    assert page.evaluate(f"window.plotBefore === document.querySelector('{PLOT}')")
    assert page.evaluate(width) == pytest.approx(zoomed)
    expect(page.get_by_label("Quantity", exact=True)).to_have_value("7")
    price = page.get_by_label("Price (R$)")
    note = page.locator(".hb-phase-note")
    expect(note).to_have_text("")
    try:
        run_apart(_send(floor, {"command": "set_phase", "symbol": "PETR4", "phase": "halted"}))
        expect(note).to_have_text("PETR4 is halted: it takes no orders or changes now, only cancels.")
    finally:
        run_apart(_send(floor, {"command": "set_phase", "symbol": "PETR4", "phase": "continuous"}))
    expect(note).to_have_text("")
    expect(price).to_have_value("38,")
    expect(price).to_be_focused()


def test_symbol_and_interval_change_in_place_and_stay_in_the_address(page: Page, floor: TradingFloor) -> None:
    _open_trade(page, floor, "?symbol=VALE3&interval=5m")
    expect(page.locator(".hb-intervals [aria-pressed=true]")).to_have_text("5m")
    page.evaluate(f"window.plotBefore = document.querySelector('{PLOT}')")
    page.locator(".hb-intervals button", has_text="15s").click()
    expect(page.locator(".hb-intervals [aria-pressed=true]")).to_have_text("15s")
    page.locator(".hb-strip button", has_text="PETR4").click()
    expect(page.get_by_role("button", name="Buy PETR4", exact=True)).to_be_visible()
    expect(page.locator(".hb-symbol")).to_have_value("PETR4")
    page.wait_for_selector(BOXES, state="attached")
    assert "symbol=PETR4" in page.url
    assert "interval=15s" in page.url
    assert page.evaluate(f"window.plotBefore === document.querySelector('{PLOT}')")


def test_a_price_in_the_book_fills_the_ticket_and_arrows_step_it(page: Page, floor: TradingFloor) -> None:
    _open_trade(page, floor)
    price = page.get_by_label("Price (R$)")
    price.fill("1,00")
    page.locator(".hb-bids .hb-level").nth(4).click()
    expect(price).not_to_have_value("1,00")
    price.fill("1.234,99")
    price.press("ArrowUp")
    expect(price).to_have_value("1.235,00")
    price.press("Shift+ArrowDown")
    expect(price).to_have_value("1.234,90")


def test_without_the_api_the_page_says_so_and_comes_back(
    page: Page, floor: TradingFloor, artifacts: Path
) -> None:
    _open_trade(page, floor)
    other = page.context.new_page()
    floor.stop("api")
    try:
        expect(page.get_by_role("alert").filter(has_text="Reconnecting to the market")).to_be_visible()
        page.screenshot(path=artifacts / "trade-offline.png")
        page.get_by_role("button", name="Buy PETR4", exact=True).click()
        expect(page.get_by_test_id("stAlert")).to_contain_text("No order was placed.")
        other.goto(floor.url)
        expect(other.get_by_test_id("stAlert")).to_contain_text("Trying again")
    finally:
        floor.start("api")
    expect(page.get_by_role("alert").filter(has_text="Reconnecting to the market")).to_be_hidden()
    _wait_for_another_trade(page)
    expect(other.get_by_label("Quantity", exact=True)).to_be_visible()
    for seen in (page, other):
        assert seen.get_by_test_id("stException").count() == 0


def test_a_name_from_the_market_is_text_and_never_markup(page: Page, floor: TradingFloor) -> None:
    name = '<img src=x onerror="window.broken=1"><b id="broken">'
    command = {
        "command": "list_asset",
        "symbol": "MARK3",
        "name": name,
        "tick_size": 0.01,
        "lot_size": 1,
        "reference_price": 10.0,
    }
    run_apart(_send(floor, command))
    page.goto(f"{floor.url}/market")
    expect(page.locator(".hb-watch tbody tr", has_text="MARK3")).to_contain_text(name)
    page.goto(f"{floor.url}/?symbol=MARK3")
    expect(page.locator(".hb-name")).to_have_text(name)
    assert page.locator("#broken").count() == 0
    assert page.evaluate("window.broken") is None


async def _send(floor: TradingFloor, command: dict[str, object]) -> None:
    async with LogWriter(floor.settings.connection) as writer:
        await writer.append(ORDERS, NewRecord(b"", msgspec.json.encode(command)))


def test_a_phone_s_width_is_enough(page: Page, floor: TradingFloor, artifacts: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    _open_trade(page, floor)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth")
    page.get_by_role("button", name="Buy PETR4", exact=True).scroll_into_view_if_needed()
    page.screenshot(path=artifacts / "trade-phone.png")
