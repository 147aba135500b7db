"""What a critical trader looks for, in real Chromium: many tabs, nothing clipped or covered, words."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import (
    HIDING,
    TradingFloor,
    ask,
    bearer,
    send_without_asking,
    sign_in_demo,
)

pytestmark = [pytest.mark.kafka, pytest.mark.browser]

PATIENT_MS = 60_000
BIDS = "document.querySelectorAll('.hb-bids .hb-level b:not(:empty)').length >= 3"
TABS = 7
FAR_PRICE = "25,00"
GREEN = "rgb(17, 122, 87)"
TICKET_STOPS = [
    "Buy",
    "Type",
    "Time in force",
    "Shares",
    "Quantity",
    "Price (R$)",
    "Show at a time",
    "Post only",
    "Buy PETR4",
    "Preview",
]
FOCUSED = """
(() => {
  const node = document.activeElement;
  const label = node.labels?.[0]?.innerText.trim();
  return label || node.getAttribute("aria-label") || node.innerText?.trim() || node.tagName;
})()
"""

# What a table shows is painted: the newest place of each text, from the left end of its canvas.
PAINTED = """
window.painted = new Map();
const paint = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, ...rest) {
  const { a, e } = this.getTransform();
  window.painted.set(text, (a * x + e) / devicePixelRatio);
  return paint.call(this, text, x, ...rest);
};
"""
PAGES_WITH_SIGNS = {
    "market": ".hb-tile",
    "portfolio": ".hb-part",
    "history": "[data-testid=data-grid-canvas], [data-testid=stAlert]",
    "analysis": ".js-plotly-plot .main-svg",
}
BLOCKS = [
    ".hb-strip",
    ".hb-header",
    ".hb-chart-pane",
    ".st-key-ticket",
    ".hb-book",
    ".hb-own-orders",
    ".hb-account",
]


@pytest.fixture(autouse=True)
def _patient() -> None:
    expect.set_options(timeout=PATIENT_MS)


def _open(page: Page, floor: TradingFloor, query: str = "") -> None:
    page.goto(f"{floor.url}/{query}")
    page.wait_for_selector(".hb-plot g.boxes path.box", state="attached")
    page.wait_for_function(BIDS)
    expect(page.get_by_label("Quantity", exact=True)).to_be_visible()


def _buy(page: Page, symbol: str = "PETR4") -> Locator:
    return page.get_by_role("button", name=f"Buy {symbol}", exact=True)


def _box(locator: Locator) -> tuple[float, float, float, float]:
    box = locator.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


def _overlap(one: Locator, other: Locator) -> bool:
    a, b = _box(one), _box(other)
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _cancel_all(page: Page) -> None:
    page.keyboard.press("Alt+Shift+KeyX")
    expect(page.locator(".hb-orders tbody tr")).to_have_count(0)


def _trades_on(page: Page) -> None:
    before = page.locator(".hb-prints").inner_text()
    page.wait_for_function("before => document.querySelector('.hb-prints').innerText !== before", arg=before)


def test_more_tabs_than_a_browser_has_connections_are_all_live(page: Page, floor: TradingFloor) -> None:
    symbols = [asset["symbol"] for asset in ask(page, floor, "/assets")][:TABS]
    tabs = [page, *(page.context.new_page() for _ in symbols[1:])]
    for number, (tab, symbol) in enumerate(zip(tabs, symbols, strict=True)):
        _open(tab, floor, f"?symbol={symbol}&interval={'5s' if number % 2 else '1m'}")
    for tab, symbol in zip(tabs, symbols, strict=True):
        expect(tab.locator(".hb-symbol")).to_have_value(symbol)
        expect(tab.locator(".hb-banner")).to_be_hidden()
        _trades_on(tab)
    last = tabs[-1]
    low = ask(page, floor, f"/assets/{symbols[-1]}")["last_price"] * 0.9
    last.get_by_label("Price (R$)").fill(f"{low:.2f}".replace(".", ","))
    _buy(last, symbols[-1]).click()
    for tab in tabs:
        expect(tab.locator(".hb-orders tbody tr")).to_contain_text(symbols[-1])
    _cancel_all(tabs[0])
    expect(last.locator(".hb-orders tbody tr")).to_have_count(0)
    floor.stop("api")
    try:
        for tab in (tabs[0], last):
            expect(tab.locator(".hb-banner")).to_be_visible()
    finally:
        floor.start("api")
    for tab in (tabs[0], last):
        expect(tab.locator(".hb-banner")).to_be_hidden()
        _trades_on(tab)


NO_HUB = "delete window.SharedWorker"
DEAD_HUB = "window.SharedWorker = class { port = { postMessage() {} }; addEventListener() {} }"


@pytest.mark.parametrize("script", [NO_HUB, DEAD_HUB])
def test_a_browser_without_a_hub_or_with_a_dead_one_has_streams_of_its_own(
    page: Page, floor: TradingFloor, script: str
) -> None:
    page.add_init_script(script)
    _open(page, floor)
    expect(page.locator(".hb-cash dd").first).to_contain_text("R$")
    _trades_on(page)


HOUR = dt.timedelta(hours=1)
TIP_MS = "document.querySelector('.hb-equity .hb-plot').data[0].x.at(-1)"


def test_a_clock_that_is_set_moves_no_candle_and_no_curve(page: Page, floor: TradingFloor) -> None:
    page.clock.install()
    _open(page, floor, "?interval=1s")
    newest = page.locator(".hb-chart .hb-figures b").first
    for set_by in (-HOUR, HOUR):
        page.clock.set_system_time(dt.datetime.now(dt.UTC) + set_by)
        _trades_on(page)
        before = newest.inner_text()
        expect(newest).not_to_have_text(before)
    expect(page.locator(".hb-banner")).to_be_hidden()
    page.goto(f"{floor.url}/portfolio")
    page.wait_for_selector(".hb-equity .scatterlayer path.js-line", state="attached")
    [last] = ask(page, floor, "/portfolio/history?interval=5m&limit=1")["points"]
    page.wait_for_function(f"{TIP_MS} > {last['time_ms']}")
    page.clock.set_system_time(dt.datetime.now(dt.UTC) - HOUR)
    page.wait_for_function(f"before => {TIP_MS} > before", arg=page.evaluate(TIP_MS))
    assert abs(page.evaluate(TIP_MS) - time.time() * 1_000) < HOUR.total_seconds() * 500


def test_a_tab_away_for_minutes_asks_nothing_and_comes_back_by_few(page: Page, floor: TradingFloor) -> None:
    page.add_init_script(HIDING)
    page.clock.install()
    _open(page, floor)
    strip = page.locator(".hb-strip")
    page.evaluate("leave(true)")
    page.wait_for_timeout(500)  # what was under way has come
    asked: list[str] = []
    origin = f"http://localhost:{floor.settings.api_port}"
    page.on("request", lambda request: request.url.startswith(origin) and asked.append(request.url))
    page.clock.fast_forward("05:00")
    _trades_on(page)
    page.wait_for_timeout(2_500)
    assert asked == []
    before = strip.inner_text()
    page.evaluate("leave(false)")
    expect(strip).not_to_have_text(before)
    paths = [url.removeprefix(origin) for url in asked]
    assert sorted({*paths}) == ["/assets", "/auth/me", "/ready"]
    assert len(paths) <= 6, paths


def test_figures_rows_and_tags_are_neither_clipped_nor_over_one_another(
    page: Page, floor: TradingFloor, artifacts: Path
) -> None:
    _open(page, floor)
    last = ask(page, floor, "/assets/PETR4")["last_price"]
    page.get_by_text("Indicators").click()
    for box in page.locator(".hb-menu input").all():
        box.check()
    page.keyboard.press("Escape")
    page.get_by_label("Quantity", exact=True).fill("1")
    orders = page.locator(".hb-orders tbody tr")
    for count, share in enumerate((0.995, 0.9948, 0.9946), 1):
        page.get_by_label("Price (R$)").fill(f"{last * share:.2f}".replace(".", ","))
        _buy(page).click()
        # The order before is told in the same words, so what tells of this one is its row.
        expect(orders).to_have_count(count)
        expect(page.get_by_test_id("stAlert")).to_contain_text("went into the book")
    orders.first.get_by_role("button", name="Amend").click()
    expect(page.locator(".hb-order-tag")).to_have_count(3)
    page.screenshot(path=artifacts / "trade-dense.png")
    legend = page.locator(".hb-figures").first
    assert _box(legend)[3] <= _box(page.locator(".hb-plot .nsewdrag").first)[1] + 1
    panes = page.locator(".hb-chart > .hb-figures")
    expect(panes).to_have_count(3)
    expect(panes.nth(2)).to_contain_text(re.compile(r"MACD.*Signal"))
    expect(panes.nth(1)).to_contain_text("RSI 14")
    tags = page.locator(".hb-order-tag").all()
    for number, tag in enumerate(tags):
        assert not _overlap(tag, legend)
        assert not any(_overlap(tag, other) for other in tags[:number])
    ladder = _box(page.locator(".hb-ladder"))
    assert _box(page.locator(".hb-bids .hb-level").last)[3] <= _box(page.locator(".hb-balance").first)[1]
    assert _box(page.locator(".hb-ladder .hb-balance"))[3] <= ladder[3] + 1
    for name in ("Save the amended order", "Leave the order as it is"):
        button = page.get_by_role("button", name=name)
        assert _box(button)[2] <= _box(page.locator(".hb-own-orders"))[2]
    page.get_by_role("button", name="Leave the order as it is").click()
    _cancel_all(page)
    toast = page.locator(".hb-toast", has_text="All orders canceled")
    assert not _overlap(toast, page.locator(".hb-bottom"))
    address = f"http://localhost:{floor.settings.api_port}/preferences/studies"
    saved = page.request.put(address, data={"value": []}, headers=bearer(page))
    assert saved.ok


def test_the_ticket_can_be_walked_heard_and_sent_by_keys_alone(page: Page, floor: TradingFloor) -> None:
    _open(page, floor)
    page.get_by_role("radio", name="Buy", exact=True).focus()
    walked = []
    for _ in range(14):
        walked.append(page.evaluate(FOCUSED))
        if walked[-1] == "Preview":
            break
        page.keyboard.press("Tab")
    stops = [name for name in walked if name in TICKET_STOPS]
    assert stops == TICKET_STOPS, walked
    page.get_by_label("Price (R$)").fill(FAR_PRICE)
    _buy(page).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="went into the book")).to_be_visible()
    _cancel_all(page)
    expect(page.get_by_role("status").filter(has_text="All orders canceled")).to_be_visible()


def test_enter_confirms_what_a_click_asked_for(page: Page, floor: TradingFloor) -> None:
    send_without_asking(page, floor, asks=True)
    _open(page, floor)
    page.get_by_label("Price (R$)").fill(FAR_PRICE)
    _buy(page).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Buy 100 PETR4")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.locator(".hb-orders tbody tr")).to_have_count(1)
    _cancel_all(page)


def test_a_change_that_is_refused_is_told_once_and_in_words(page: Page, floor: TradingFloor) -> None:
    _open(page, floor)
    page.get_by_label("Price (R$)").fill(FAR_PRICE)
    _buy(page).click()
    row = page.locator(".hb-orders tbody tr").first
    row.get_by_role("button", name="Amend").click()
    quantity = page.get_by_label("New quantity")
    quantity.fill("0")
    quantity.press("Enter")
    expect(page.locator(".hb-toast")).to_contain_text("must be above zero; to end the order, cancel it")
    quantity.fill("90.000.000")
    quantity.press("Enter")
    expect(page.locator(".hb-toast", has_text="in cash")).to_have_count(1)
    page.wait_for_timeout(500)
    expect(page.locator(".hb-toast", has_text="Rejected")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(row).to_contain_text("100")
    _cancel_all(page)


def test_an_engine_away_leaves_the_order_waiting_and_an_amount_may_have_thousands(
    page: Page, floor: TradingFloor
) -> None:
    _open(page, floor)
    page.get_by_role("radiogroup", name="Quantity in").get_by_text("R$").click()
    page.get_by_label("Amount (R$)").fill("2.000")
    page.get_by_label("Price (R$)").fill(FAR_PRICE)
    floor.stop("engine")
    try:
        _buy(page).click()
        expect(page.get_by_test_id("stAlert")).to_contain_text("The market has not answered yet")
    finally:
        floor.start("engine")
    row = page.locator(".hb-orders tbody tr")
    expect(row).to_contain_text(re.compile(r"25,00.*79|79.*25,00"))  # a share of it pays the fee
    _cancel_all(page)


def test_the_admin_s_address_tells_others_whose_it_is(page: Page, floor: TradingFloor) -> None:
    page.goto(f"{floor.url}/admin")
    expect(page.get_by_test_id("stAlert")).to_contain_text("for the market's admins")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("link", name="Admin")).to_have_count(0)


def test_a_phone_shows_positions_heat_map_and_the_whole_ticket(
    page: Page, floor: TradingFloor, artifacts: Path
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    _open(page, floor)
    assert _box(_buy(page))[3] < _box(page.locator(".st-key-ticket"))[3]
    expect(_buy(page)).to_have_css("background-color", GREEN)
    expect(page.locator(".hb-means")).to_have_text(
        re.compile(r"AvailableR\$\s[\d.]+,\d\dFree shares[\d.]+ PETR4")
    )
    tops = [_box(page.locator(block))[1] for block in BLOCKS]
    assert tops == sorted(tops)
    rows = page.locator(".hb-account tbody tr")
    expect(rows).not_to_have_count(0)
    assert _box(rows.last)[3] <= _box(page.locator(".hb-account"))[3]
    page.goto(f"{floor.url}/market")
    expect(page.locator(".hb-tile")).to_have_count(len(ask(page, floor, "/assets")))
    expect(page.locator(".hb-mover")).not_to_have_count(0)
    # Measured at once: the table above still grows as its rows come.
    page.wait_for_function(
        """() => [...document.querySelectorAll('.hb-tile, .hb-mover')].every((node) =>
          node.getBoundingClientRect().bottom <= node.closest('.hb-pane').getBoundingClientRect().bottom)"""
    )
    page.screenshot(path=artifacts / "market-phone.png", full_page=True)


@pytest.mark.parametrize("locale", ["en-US", "pt-BR"])
def test_tables_read_brazilian_in_any_browser_and_sort_as_numbers(
    new_browser: Callable[..., Page], floor: TradingFloor, locale: str
) -> None:
    page = new_browser(locale=locale)
    sign_in_demo(page, floor)
    orders = f"http://localhost:{floor.settings.api_port}/orders"
    for quantity in (9, 1_200, 100):
        order = {"symbol": "PETR4", "side": "buy", "quantity": quantity, "price": 26.75}
        assert page.request.post(orders, data=order, headers=bearer(page)).ok
    assert page.request.delete(orders, headers=bearer(page)).ok
    page.add_init_script(PAINTED)
    page.goto(f"{floor.url}/history?search=26%2C75")
    page.wait_for_function("painted.has('26,75') && painted.has('1.200')")
    assert not page.evaluate("painted.has('26.75') || painted.has('1,200') || painted.has('1200')")
    canvas = _box(page.get_by_test_id("data-grid-canvas"))
    page.mouse.click(canvas[0] + page.evaluate("painted.get('Quantity')") + 4, canvas[1] + 14)
    expect(page.get_by_test_id("glide-cell-5-0")).to_have_text("9")
    shown = [int(text) for text in page.locator("[data-testid^=glide-cell-5-]").all_inner_texts()]
    assert shown == sorted(shown)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_every_page_can_be_read_and_told_by_a_screen_reader(
    page: Page, floor: TradingFloor, scheme: Literal["dark", "light"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    _open(page, floor)
    found = {"trade": _barriers(page)}
    for name, sign in PAGES_WITH_SIGNS.items():
        page.goto(f"{floor.url}/{name}")
        page.locator(sign).first.wait_for()
        found[name] = _barriers(page)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Password").wait_for()
    found["door"] = _barriers(page)
    assert {name: barriers for name, barriers in found.items() if barriers} == {}


def _barriers(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{each['id']}: {node['html'][:90]}"
        for each in found
        for node in each["nodes"]
        if each["impact"] in {"serious", "critical"}
    ]
