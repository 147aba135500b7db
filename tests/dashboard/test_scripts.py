"""The browser's own modules, in Chromium but without a market: sums, sorting, parsing, places."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser

from bench.dashboard import heap
from dashboard import formats, words
from engine.messages import SENTENCES
from tests.dashboard.conftest import Scripts

pytestmark = pytest.mark.browser

Floats = NDArray[np.float64]


def _walk(seed: int, count: int = 400) -> Floats:
    steps = np.random.default_rng(seed).normal(0, 0.02, count)
    return np.round(38.5 * np.exp(np.cumsum(steps)), 2)


def _same(found: list[float | None], expected: Floats) -> None:
    told = np.array([np.nan if value is None else value for value in found])
    np.testing.assert_allclose(told, expected, rtol=1e-9, atol=1e-9, equal_nan=True)


def _windows(values: Floats, length: int) -> Floats:
    return np.lib.stride_tricks.sliding_window_view(values, length)


def _after(length: int, values: Floats) -> Floats:
    return np.concatenate([np.full(length - 1, np.nan), values])


def _smoothed(values: Floats, length: int, weight: float) -> Floats:
    """Weigh every value by its age, the plain mean of the first `length` being the oldest; no recursion."""
    found = np.full(values.size, np.nan)
    for place in range(length - 1, values.size):
        newer = values[length : place + 1][::-1]
        weights = weight * (1 - weight) ** np.arange(newer.size)
        found[place] = values[:length].mean() * (1 - weight) ** newer.size + (weights * newer).sum()
    return found


@pytest.mark.parametrize("length", [1, 9, 20])
def test_means_are_numpy_s(scripts: Scripts, length: int) -> None:
    values = _walk(length)
    js = json.dumps(values.tolist())
    _same(
        scripts.ask("chart/indicators.js", f"return it.sma({js}, {length})"),
        _after(length, _windows(values, length).mean(axis=1)),
    )
    _same(
        scripts.ask("chart/indicators.js", f"return it.ema({js}, {length})"),
        _smoothed(values, length, 2 / (length + 1)),
    )


def test_bollinger_bands_are_numpy_s(scripts: Scripts) -> None:
    values = _walk(2)
    found = scripts.ask("chart/indicators.js", f"return it.bollinger({json.dumps(values.tolist())}, 20, 2)")
    windows = _windows(values, 20)
    for name, sign in (("lower", -2), ("middle", 0), ("upper", 2)):
        _same(found[name], _after(20, windows.mean(axis=1) + sign * windows.std(axis=1)))


def test_relative_strength_is_wilder_s(scripts: Scripts) -> None:
    values = _walk(3)
    moves = np.diff(values)
    up = _smoothed(np.maximum(moves, 0), 14, 1 / 14)
    down = _smoothed(np.maximum(-moves, 0), 14, 1 / 14)
    expected = np.concatenate([[np.nan], 100 - 100 / (1 + up / down)])
    _same(scripts.ask("chart/indicators.js", f"return it.rsi({json.dumps(values.tolist())}, 14)"), expected)
    flat = scripts.ask("chart/indicators.js", "return it.rsi(new Array(20).fill(7), 14)")
    assert flat[14:] == [50] * 6


def test_macd_is_the_difference_of_two_means_and_its_own(scripts: Scripts) -> None:
    values = _walk(4)
    found = scripts.ask("chart/indicators.js", f"return it.macd({json.dumps(values.tolist())}, 12, 26, 9)")
    line = _smoothed(values, 12, 2 / 13) - _smoothed(values, 26, 2 / 27)
    signal = np.concatenate([np.full(25, np.nan), _smoothed(line[25:], 9, 2 / 10)])
    _same(found["line"], line)
    _same(found["signal"], signal)
    _same(found["histogram"], line - signal)


def test_vwap_begins_anew_with_each_session(scripts: Scripts) -> None:
    dice = np.random.default_rng(5)
    # 02:00 to 04:00 UTC: the market's midnight is in the middle.
    times_ms = 1_790_042_400_000 + 60_000 * np.arange(120)
    low = _walk(5, 120)
    high, close, volume = low + 0.3, low + 0.1, dice.integers(1, 900, 120)
    candles = [
        {"time_ms": int(t), "high": h, "low": lo, "close": c, "volume": int(v)}
        for t, h, lo, c, v in zip(times_ms, high, low, close, volume, strict=True)
    ]
    typical = (high + low + close) / 3
    halves = [slice(0, 60), slice(60, 120)]
    expected = [np.cumsum(typical[half] * volume[half]) / np.cumsum(volume[half]) for half in halves]
    _same(
        scripts.ask("chart/indicators.js", f"return it.vwap({json.dumps(candles)})"), np.concatenate(expected)
    )


@pytest.mark.parametrize("count", [0, 1, 5, 13, 14])
def test_too_short_a_past_gives_no_study(scripts: Scripts, count: int) -> None:
    js = json.dumps(_walk(6, count).tolist())
    script = (
        f"const v = {js}; return [it.sma(v, 20), it.ema(v, 20), it.rsi(v, 14), it.macd(v, 12, 26, 9).signal]"
    )
    assert scripts.ask("chart/indicators.js", script) == [[None] * count] * 4


def test_a_moment_falls_into_the_newest_candle_that_had_begun(scripts: Scripts) -> None:
    said = scripts.ask(
        "chart/series.js",
        """
        const series = new it.Series();
        const empty = series.placeOf(5);
        series.load([10, 20, 40].map((time_ms) => ({ time_ms, trades: 1 })));
        series.first = 7;
        return [empty, ...[9, 10, 19, 20, 39, 40, 99].map((time) => series.placeOf(time))];
        """,
    )
    assert said == [None, None, 7, 7, 8, 8, 9, 9]


def test_trading_days_alternate_and_day_candles_have_no_bands(scripts: Scripts) -> None:
    said = scripts.ask(
        "chart/sessions.js",
        """
        const candle = (step) => (_, at) => ({ time_ms: 1790046000000 + at * step });
        const hours = Array.from({ length: 72 }, candle(3600000));
        const days = Array.from({ length: 9 }, candle(86400000));
        const bands = it.sessionBands(hours, 10, "red").map(({ x0, x1 }) => [x0, x1]);
        return [bands, it.sessionBands(days, 0, "red")];
        """,
    )
    bands, none = said
    assert none == []
    assert bands in ([[33.5, 57.5]], [[9.5, 33.5], [57.5, 81.5]])


def test_tiles_fill_the_map_by_their_worth_and_do_not_overlap(scripts: Scripts) -> None:
    sizes = [50, 30, 30, 12, 7, 3, 1, 0.5]
    script = f"""
        const sized = {sizes}.map((size, at) => ({{ ticker: at, size }}));
        return it.tiles(sized, {{ x: 0, y: 0, width: 800, height: 300 }});
    """
    tiles = scripts.ask("market/heat_map.js", script)
    share = 800 * 300 / sum(sizes)
    for tile in tiles:
        assert tile["width"] * tile["height"] == pytest.approx(sizes[tile["ticker"]] * share)
        assert tile["x"] >= -1e-6
        assert tile["x"] + tile["width"] <= 800 + 1e-6
        assert tile["y"] + tile["height"] <= 300 + 1e-6
        assert max(tile["width"], tile["height"]) <= 3.5 * min(tile["width"], tile["height"]), "no strips"
    for one in tiles:
        for other in tiles:
            apart_x = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
            apart_y = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
            assert one is other or min(apart_x, apart_y) <= 1e-6


def test_the_market_s_rows_are_narrowed_and_sorted(scripts: Scripts) -> None:
    script = """
        const ticker = (symbol, name, change) => ({ symbol, name, change, phase: "continuous" });
        const tickers = [ticker("VALE3", "Vale ON", -1), ticker("PETR4", "Petrobras PN", 2),
          ticker("NEWS3", "News ON", null)];
        const facts = { imbalance: new Map([["VALE3", 0.9], ["PETR4", 0.1]]) };
        const rows = (column, descending, more = {}) => it.arranged(tickers,
          { sort: { column, descending }, stars: new Set(["PETR4"]), onlyStars: false, filter: "", ...more },
          facts).map(({ symbol }) => symbol);
        const words = [rows("Symbol", false, { filter: " on " }), rows("Symbol", false, { onlyStars: true })];
        return [rows("Symbol", false), rows("Change", true), rows("Change", false), rows("Buyers", true),
          ...words, rows("No such", true)];
    """
    assert scripts.ask("market/table.js", script) == [
        ["NEWS3", "PETR4", "VALE3"],
        ["PETR4", "VALE3", "NEWS3"],
        ["NEWS3", "VALE3", "PETR4"],
        ["VALE3", "PETR4", "NEWS3"],
        ["NEWS3", "VALE3"],
        ["PETR4"],
        ["VALE3", "PETR4", "NEWS3"],
    ]


def test_numbers_are_read_as_the_server_reads_them(scripts: Scripts) -> None:
    texts = ["38,51", "38.51", "38.510", "1.234,5", "1.234", "1234", "12.34.56", "1,2345678", "R$38,5", "-1"]
    texts += ["1e3", "x", ",5", "5,", "0", "007"]
    texts += ["", " 38,5 ", "R$ 1.000,00", "1.234.567"]
    both = "[it.parseNumber(text, 2), it.parseNumber(text, 0)]"
    script = f"return {json.dumps(texts)}.map((text) => {both})"
    for text, (price, whole) in zip(texts, scripts.ask("numbers.js", script), strict=True):
        assert price == formats.parse_price(text), text
        assert whole == (None if "R$" in text else formats.parse_whole(text)), text


def test_money_paid_in_is_neither_profit_nor_the_end_of_a_drawdown(scripts: Scripts) -> None:
    points = [(1000, 1000), (1100, 1000), (1045, 1000), (2045, 2000), (2200, 2000)]
    js = json.dumps([{"equity": equity, "net_deposits": paid} for equity, paid in points])
    assert scripts.ask("chart/equity_chart.js", f"return it.drawdowns({js})") == pytest.approx(
        [0, 0, -5, -5, 0]
    )


def test_the_book_keeps_its_chain(scripts: Scripts) -> None:
    said = scripts.ask(
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


def test_a_candle_is_kept_once_in_its_newest_version(scripts: Scripts) -> None:
    said = scripts.ask(
        "chart/series.js",
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


def test_holdings_are_valued_at_the_last_prices(scripts: Scripts) -> None:
    said = scripts.ask(
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


def test_the_ticket_tells_what_is_free_as_the_account_changes(scripts: Scripts) -> None:
    said = scripts.ask(
        "ticket_notes.js",
        """
        const { Holdings } = await import("/holdings.js");
        const means = new it.TicketNotes(document.body);
        const text = () => means.node.innerText.replace(/\\s+/g, " ");
        means.show({ symbol: "PETR4" });
        const said = [text()];
        const holdings = new Holdings();
        const position = { symbol: "PETR4", quantity: 1500, held_quantity: 200, realized_profit: 0 };
        holdings.load({ account: { cash: 1000.5, held_cash: 50 }, positions: [position] });
        it.tellMeans(holdings);
        said.push(text());
        means.show({ symbol: "VALE3" });
        said.push(text());
        it.tellMeans(null);
        said.push(text());
        means.close();
        return said;
        """,
    )
    nothing = "Available – Free shares –"
    assert said == [
        nothing,
        "Available R$ 950,50 Free shares 1.300 PETR4",
        "Available R$ 950,50 Free shares 0 VALE3",
        nothing,
    ]


def test_the_browser_puts_refusals_as_the_server_does(scripts: Scripts) -> None:
    messages = [
        "It needs 38500.5 in cash and 100.0 is free; deposit cash, cancel orders or make it smaller.",
        "The account's limit is 5 open orders (open_orders_max); cancel some first.",
        "PETR4 moves in ticks of 0.005; 38.5125 is not a multiple of it.",
        "It needs 100000 PETR4 and 9700 are free; cancel orders or make it smaller.",
        "There is no open order 12345; it may have ended.",
        "Wait for 1.2.3 or 10.",
        "It needs 3906.1801 in cash and 22789.9806 is free; deposit cash.",
        "It needs 3906.1800 in cash and 0.2900 is free.",
        "The next lot costs 39.0818 with its fee and 10.7799 is free; deposit cash or cancel orders.",
        *(sentence.template for sentence in SENTENCES),
    ]
    said = scripts.ask("words.js", f"return {json.dumps(messages)}.map(it.sentence);")
    assert said == [words.refusal("", message) for message in messages]


def test_an_order_that_is_called_into_its_auction_is_told_of_by_what_becomes_of_it(scripts: Scripts) -> None:
    report = {"side": "buy", "quantity": 100, "symbol": "PETR4", "execution_type": "triggered"}
    called, ended, stop = (
        report | {"time_in_force": "at_close", "stop_price": None},
        report | {"time_in_force": "at_close", "execution_type": "expired", "message": "It is over."},
        report | {"time_in_force": "day", "stop_price": 38.5},
    )
    asked = (
        f"return [{json.dumps([called, ended, stop])}.map(it.executionToast), it.timeInForceName('at_open')];"
    )
    said, name = scripts.ask("words.js", asked)
    assert [toast and toast["title"] for toast in said] == [
        None,
        "Expired: Buy 100 PETR4",
        "Stop reached: Buy 100 PETR4",
    ]
    assert name == "At the opening"


def test_figures_line_up_and_gains_carry_their_sign(scripts: Scripts) -> None:
    said = scripts.ask(
        "format.js",
        """
        const gains = [348.26, -1234.5, 0, -0.001, 0.004, null].map(it.gain);
        return [gains, [999, 1000, 5200000, 6790000, null].map(it.short)];
        """,
    )
    gains, short = [[text.replace("\u00a0", " ") for text in texts] for texts in said]
    assert gains == ["+R$ 348,26", "-R$ 1.234,50", "R$ 0,00", "R$ 0,00", "R$ 0,00", "–"]
    assert short == ["999", "1,00 mil", "5,20 mi", "6,79 mi", "–"]


def test_labels_of_the_time_axis_keep_apart_where_the_market_left_hours_out(scripts: Scripts) -> None:
    said = scripts.ask(
        "chart/ticks.js",
        """
        const minute = 60000;
        const times = [0, 1, 2, 3, 119, 239, 240, 241].map((at) => 1790046000000 + at * minute);
        const candles = times.map((time_ms) => ({ time_ms }));
        const series = { first: 0, slice: (from, to) => candles.slice(from, to) };
        return it.axisTicks(series, [0, 8], 2).tickvals;
        """,
    )
    assert said
    assert all(after - before >= 2 for before, after in itertools.pairwise(said)), said


def test_tags_of_orders_that_are_near_one_another_stand_side_by_side(scripts: Scripts) -> None:
    said = scripts.ask(
        "chart/overlay.js",
        """
        const orders = [10, 12, 20, 31, 300].map((pixel) => ({ pixel }));
        it.placeTags(orders, 4);
        return orders.map(({ column }) => column);
        """,
    )
    assert said == [0, 1, 2, 0, 0]


def test_an_order_of_another_day_is_told_with_its_day(scripts: Scripts) -> None:
    now, before = scripts.ask("format.js", "return [it.when(Date.now()), it.when(Date.now() - 3 * 86400000)]")
    assert "/" not in now
    assert "/" in before


def test_a_heap_tells_what_grew_and_whose_it_is(chromium: Browser) -> None:
    page = chromium.new_page()
    session = page.context.new_cdp_session(page)
    before = heap.held(session)
    page.evaluate(
        "class Leaked { fields = new Array(1000).fill(0.5) };"
        "window.kept = [...Array(300)].map(() => new Leaked())"
    )
    told = {figure.name: figure.value for figure in heap.grown(before, heap.held(session))}
    assert any("Leaked" in name for name in told)
    assert 300 * 8 < told["grown: the page's own"] < 300 * 24
    assert told["grown: compiled code"] < 300
    page.close()
