"""What a trader does, in real Chromium on a whole running market."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Page, expect

from dashboard import assets, words
from engine.log import LogWriter, NewRecord
from engine.topics import ORDERS
from tests.dashboard.conftest import TradingFloor, ask
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


def _choose_type(page: Page, name: str) -> None:
    page.locator(".st-key-ticket_type input").click()
    page.get_by_role("option", name=name, exact=True).click()


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
    row.get_by_role("button").click()
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
    rows.first.get_by_role("button", name="Cancel").click()
    expect(rows).to_have_count(0)
    expect(page.locator(".hb-toast", has_text="Order canceled")).to_be_visible()
    assert ask(page, floor, "/orders?status=open") == []


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


def _in_module(page: Page, floor: TradingFloor, module: str, script: str) -> object:
    page.goto(f"{floor.url}/_stcore/health")
    url = f"{assets.PREFIX}/{assets.version()}/{module}"
    return page.evaluate(f"async () => {{ const it = await import('{url}'); {script} }}")


def test_the_book_keeps_its_chain(page: Page, floor: TradingFloor) -> None:
    said = _in_module(
        page,
        floor,
        "book.js",
        """
        const book = new it.Book();
        const change = (previous_offset, offset, bids) => ({ previous_offset, offset, bids, asks: [] });
        const said = [book.apply(change(0, 1, []))];
        book.replace({ offset: 5, bids: [[10, 1, 1], [9, 2, 1]], asks: [[11, 4, 2]] });
        said.push(book.apply(change(2, 4, [[10, 99, 9]])));
        said.push(book.apply(change(5, 7, [[10, 0, 0], [9.5, 3, 1]])));
        said.push(book.best("bids", 5).map(({ price, quantity, total }) => [price, quantity, total]));
        said.push(book.apply(change(8, 9, [])));
        return said;
        """,
    )
    assert said == [False, True, True, [[9.5, 3, 3], [9, 2, 5]], False]


def test_a_candle_is_kept_once_in_its_newest_version(page: Page, floor: TradingFloor) -> None:
    said = _in_module(
        page,
        floor,
        "series.js",
        """
        const series = new it.Series();
        const candle = (time_ms, trades) => ({ time_ms, trades });
        series.load([candle(1, 5), candle(3, 2)]);
        const late = [candle(3, 1), candle(3, 4), candle(2, 1), candle(4, 1), candle(0, 1)];
        for (const candle of late) series.apply(candle);
        return series.candles.map(({ time_ms, trades }) => [time_ms, trades]);
        """,
    )
    assert said == [[0, 1], [1, 5], [2, 1], [3, 4], [4, 1]]


def test_holdings_are_valued_at_the_last_prices(page: Page, floor: TradingFloor) -> None:
    said = _in_module(
        page,
        floor,
        "holdings.js",
        """
        const holdings = new it.Holdings();
        const said = [holdings.totals()];
        const position = (symbol, quantity, average_price, realized_profit = 0) =>
          ({ symbol, quantity, held_quantity: 0, average_price, realized_profit, last_price: average_price });
        holdings.load({ account: null, positions: [] });
        said.push(holdings.totals());
        const gone = position("GONE3", 0, null, 7);
        const positions = [position("PETR4", 100, 38), position("VALE3", -10, 60), gone];
        holdings.load({ account: { cash: 1000, held_cash: 50 }, positions });
        holdings.setPrices([{ symbol: "PETR4", last_price: 39 }, { symbol: "VALE3", last_price: 59 }]);
        said.push(holdings.totals());
        holdings.apply({ cash: 900, held_cash: 0, positions: [position("PETR4", 0, null, -5)] });
        said.push(holdings.totals(), holdings.valued().length, holdings.valued({ closed: true }).length);
        return said;
        """,
    )
    first = {"cash": 1000, "held": 50, "available": 950, "equity": 4310, "unrealized": 110, "realized": 7}
    after = {"cash": 900, "held": 0, "available": 900, "equity": 310, "unrealized": 10, "realized": 2}
    assert said == [None, None, first, after, 1, 3]


def test_the_browser_puts_refusals_as_the_server_does(page: Page, floor: TradingFloor) -> None:
    messages = [
        "It needs 38500.5 in cash and 100.0 is free; deposit cash, cancel orders or make it smaller.",
        "The account's limit is 5 open orders (open_orders_max); cancel some first.",
        "PETR4 moves in ticks of 0.005; 38.5125 is not a multiple of it.",
        "Wait for 1.2.3 or 10.",
    ]
    said = _in_module(page, floor, "words.js", f"return {json.dumps(messages)}.map(it.sentence);")
    assert said == [words.refusal("", message) for message in messages]
