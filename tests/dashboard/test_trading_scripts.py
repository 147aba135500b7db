"""What the browser says of orders, trades, and a market or server that is away: modules without a market."""

from __future__ import annotations

import pytest

from tests.dashboard.conftest import Scripts

pytestmark = pytest.mark.browser

TRADED = """
const trade = (last_quantity, last_price, remaining_quantity) => ({
  execution_type: "trade", order_id: "o-1", symbol: "PETR4", side: "buy", quantity: 100,
  last_quantity, last_price, remaining_quantity,
  status: remaining_quantity ? "partially_filled" : "filled" });
"""


def test_trades_of_an_order_are_one_message_that_adds_up(scripts: Scripts) -> None:
    said = scripts.ask(
        "words.js",
        TRADED
        + """
        const told = it.addTrade(it.addTrade(null, trade(30, 39.05, 70)), trade(70, 39.06, 0));
        const expired = { execution_type: "expired", symbol: "PETR4", side: "buy", quantity: 1500,
          remaining_quantity: 1017, message: "No more." };
        return [trade(30, 39.05, 70), trade(70, 39.06, 0)].map((one) => it.executionToast(one))
          .concat(it.executionToast(trade(70, 39.06, 0), told), it.executionToast(expired))
          .map(({ title, detail }) => [title, detail]);
        """,
    )
    assert said == [
        ["Bought 30 PETR4 at R$ 39,05", "70 to go"],
        ["Bought 70 PETR4 at R$ 39,06", "order filled"],
        ["Bought 100 PETR4 at R$ 39,06", "order filled"],
        ["Expired: Buy 1.017 PETR4", "No more."],
    ]


def test_a_message_with_a_key_takes_the_place_of_the_one_before(scripts: Scripts) -> None:
    said = scripts.ask(
        "toasts.js",
        """
        const toasts = new it.Toasts(document.body);
        const texts = () => [...toasts.node.children].map((node) => node.textContent);
        const show = (title, key = null) => toasts.show({ kind: "up", title, key });
        for (const title of ["a", "b"]) show(title, "o-1");
        show("c");
        show("c");
        const said = [texts(), toasts.has("o-1"), toasts.has("o-2")];
        toasts.node.firstChild.click();
        said.push(texts(), toasts.has("o-1"));
        for (const title of "defgh") show(title);
        said.push(texts());
        toasts.node.remove();
        return said;
        """,
    )
    assert said == [["b", "c", "c"], True, False, ["c", "c"], False, ["d", "e", "f", "g", "h"]]


def test_nothing_is_called_done_before_the_market_has_answered(scripts: Scripts) -> None:
    said = scripts.ask(
        "orders.js",
        """
        const open = { order_id: "o-1", symbol: "PETR4", side: "buy", type: "limit", status: "new", price: 38,
          quantity: 100, filled_quantity: 0, remaining_quantity: 100, time_in_force: "day", created_ms: 1 };
        const titles = [];
        let answer;
        const api = { cancel: async () => answer, cancelAll: async () => answer, amend: async () => answer };
        const toasts = { show: ({ title }) => titles.push(title) };
        const orders = new it.Orders({ api, toasts, onChanged: () => {} });
        const amend = async () => {
          orders.node.querySelector("[aria-label='Amend Buy PETR4']").click();
          orders.node.querySelector("[aria-label='Save the amended order']").click();
          await new Promise((resolve) => setTimeout(resolve));
        };
        const answers = ["pending", "canceled", "filled", "new"].map((status) => ({ ...open, status }));
        for (answer of answers) {
          orders.load([open]);
          titles.push(answer.status);
          await amend();
          if (answer.status === "pending" || answer.status === "canceled") {
            await orders.cancel("o-1");
            await orders.cancelAll();
          }
        }
        const refusal = { execution_type: "rejected", order_id: "o-1", message: "It was filled." };
        orders.tellRefusedChange(refusal);
        answer = { status: "pending" };
        await orders.cancel("o-1");
        for (const _ of [1, 2]) orders.tellRefusedChange(refusal);
        return titles;
        """,
    )
    assert said == [
        *("pending", "Change sent", "Cancel sent", "Cancel sent"),
        *("canceled", "Order canceled", "All orders canceled"),
        "filled",
        *("new", "Order amended"),
        *("Cancel sent", "Not changed"),
    ]


def test_a_crossed_book_has_no_spread(scripts: Scripts) -> None:
    said = scripts.ask(
        "ladder.js",
        """
        const { Book } = await import("/book.js");
        const book = new Book();
        const ladder = new it.Ladder(document.body, book, () => {});
        const told = async (bid, ask) => {
          book.replace({ offset: 1, bids: [[bid, 100, 1]], asks: [[ask, 100, 1]] });
          ladder.redraw.ask();
          await new Promise((resolve) => setTimeout(resolve, 200));
          return ladder.spread.textContent;
        };
        const said = [await told(39.47, 39.07), await told(39.07, 39.07), await told(39.05, 39.07)];
        ladder.close();
        ladder.node.remove();
        return said;
        """,
    )
    assert said == ["Crossed by 0,40", "Crossed by 0,00", "Spread 0,02 (0,05%)"]


def test_a_page_whose_server_came_back_runs_anew_and_one_that_was_forgotten_is_loaded_anew(
    scripts: Scripts,
) -> None:
    said = scripts.ask(
        "server_link.js",
        """
        const app = document.createElement("div");
        const said = [];
        const say = (what) => () => said.push(what);
        const onConnected = (isConnected) => said.push(isConnected);
        const link = new it.ServerLink({ app, onConnected, rerun: say("rerun"), reload: say("reload") });
        const state = async (name) => {
          app.setAttribute("data-test-connection-state", name);
          await new Promise((resolve) => setTimeout(resolve));
        };
        await state("CONNECTED");
        link.show("first");
        link.show("first");
        for (const name of ["PINGING_SERVER", "CONNECTING", "CONNECTED"]) await state(name);
        said.push("back");
        link.show("first");
        await state("PINGING_SERVER");
        await state("CONNECTED");
        link.show("second");
        link.close();
        await state("PINGING_SERVER");
        return said;
        """,
    )
    assert said == [False, "rerun", "back", True, False, "rerun", "reload", True]


def test_a_market_that_hangs_or_is_away_is_told_of(scripts: Scripts) -> None:
    said = scripts.ask(
        "standing.js",
        """
        const { ApiError } = await import("/api.js");
        const told = (ready) => new Promise((resolve) => {
          const standing = new it.Standing({ ready }, (sentence) => { standing.close(); resolve(sentence); });
        });
        const fails = (status, reason) => async () => { throw new ApiError(reason, "raw", { status }); };
        const [silent, away] = [await told(fails(503, "not_ready")), await told(fails(0, "unreachable"))];
        const past = await told(fails(503, "database_unavailable"));
        const nobody = (await told(fails(503, "users_unavailable"))) === it.NOBODY;
        return [await told(async () => ({})), past, silent === it.SILENT, away === it.AWAY, nobody];
        """,
    )
    assert said == ["", "", True, True, True]


def test_a_banner_tells_the_first_that_waits_in_its_own_words(scripts: Scripts) -> None:
    said = scripts.ask(
        "banner.js",
        """
        const banner = new it.Banner(document.body, "all");
        const seen = () => (banner.node.hidden ? null : banner.node.textContent);
        const said = [seen()];
        banner.set("market", false);
        banner.set("server", false, "own");
        said.push(seen());
        await new Promise((resolve) => setTimeout(resolve, 900));
        said.push(seen());
        banner.set("market", true);
        said.push(seen());
        banner.set("server", true);
        said.push(seen());
        banner.node.remove();
        return said;
        """,
    )
    assert said == [None, None, "all", "own", None]


def test_the_symbol_of_an_order_or_a_position_leads_to_it(scripts: Scripts) -> None:
    said = scripts.ask(
        "account.js",
        """
        const { Orders } = await import("/orders.js");
        const { Holdings } = await import("/holdings.js");
        const said = [];
        const onSymbol = (symbol) => said.push(symbol);
        const holdings = new Holdings();
        const position = { quantity: 100, held_quantity: 0, average_price: 60, realized_profit: 0,
          last_price: 61 };
        holdings.load({ account: { cash: 1, held_cash: 0 }, positions: [{ symbol: "VALE3", ...position }] });
        const account = new it.Account(document.body, holdings, onSymbol);
        account.draw();
        const orders = new Orders({ api: {}, toasts: {}, onChanged: () => {}, onSymbol });
        orders.load([{ order_id: "o-1", symbol: "PETR4", side: "buy", type: "limit", price: 38, quantity: 100,
          filled_quantity: 0, time_in_force: "day", created_ms: 1 }]);
        for (const pane of [account, orders]) pane.node.querySelector("td button").click();
        const cells = [...account.node.querySelectorAll("td")].map((cell) => cell.textContent);
        account.node.remove();
        return [said, cells];
        """,
    )
    assert said == [["VALE3", "PETR4"], ["VALE3", "100", "60,00", "61,00", "6.100,00", "+100,00 (+1,67%)"]]


def test_an_open_order_tells_its_date_and_how_much_of_it_shows(scripts: Scripts) -> None:
    said = scripts.ask(
        "orders.js",
        """
        const format = await import("/format.js");
        const orders = new it.Orders({ api: {}, toasts: { show: () => {} }, onChanged: () => {} });
        const plain = { order_id: "o-1", symbol: "PETR4", side: "buy", type: "limit", status: "new",
          price: 38, quantity: 1000, filled_quantity: 0, time_in_force: "day", created_ms: 1 };
        const now = new Date();
        const at = (year, ...day) => new Date(year, ...day, 18, 30).getTime();
        const cells = () => {
          const [row] = orders.node.querySelectorAll("tbody tr");
          const texts = (cell) => [...cell.children].map((part) => part.textContent).filter(Boolean);
          const [symbol, type, quantity, lasts] = [1, 3, 6, 8].map((index) => row.children[index]);
          return [texts(symbol), texts(quantity), type.textContent, lasts.textContent];
        };
        document.body.append(orders.node);
        const said = [];
        const today = at(now.getFullYear(), now.getMonth(), now.getDate());
        const later = at(now.getFullYear(), now.getMonth() === 5 ? 6 : 5, 15);
        const rare = { display_quantity: 100, post_only: true, time_in_force: "gtd" };
        for (const changed of [
          {},
          { expires_at_ms: today, ...rare },
          { expires_at_ms: later, ...rare },
          { expires_at_ms: at(2099, 11, 24), ...rare },
          { expires_at_ms: null, display_quantity: null, post_only: false, time_in_force: "gtd" },
        ]) {
          orders.load([{ ...plain, ...changed }]);
          said.push(cells());
        }
        orders.load([{ ...plain, ...rare, expires_at_ms: today }]);
        orders.node.querySelector("[aria-label='Amend Buy PETR4']").click();
        const input = orders.node.querySelector("[aria-label='New quantity']").value;
        orders.apply({ ...plain, ...rare, time_ms: 2, quantity: 900, display_quantity: 50 });
        const amid = cells()[1];
        orders.node.querySelector("[aria-label='Leave the order as it is']").click();
        said.push([input, amid, cells()[1]]);
        orders.node.remove();
        return [said, format.day(later)];
        """,
    )
    (plain, today, later, far, older, amended), day = said
    told = {"plain": ["1.000"], "rare": ["1.000", "shows 100"]}
    assert plain == [["PETR4"], told["plain"], "Limit", "Day"]
    assert today == [["PETR4", "Until 18:30"], told["rare"], "Limit, post only", "Until 18:30"]
    dates = [f"Until {day} 18:30", "Until 24/12/2099"]
    assert [row[0] for row in (later, far)] == [["PETR4", date] for date in dates]
    assert [row[3] for row in (later, far)] == dates
    # What was reported before reports told the date.
    assert older == [["PETR4"], told["plain"], "Limit", "Until a date"]
    assert amended == ["1.000", [], ["900", "shows 50"]]


def test_an_account_that_is_not_open_is_not_said_to_be_loading(scripts: Scripts) -> None:
    said = scripts.ask(
        "allocation.js",
        """
        const allocation = new it.Allocation();
        const draw = (totals, isKnown) => {
          allocation.draw(totals, [], { isKnown });
          return allocation.empty.hidden ? null : allocation.empty.textContent;
        };
        const closed = [draw(null, false), draw(null, true) === it.NOT_OPEN];
        return [...closed, draw({ cash: 0 }, true), draw({ cash: 5 }, true)];
        """,
    )
    assert said == ["Loading your account…", True, "Nothing yet: deposit cash on the right.", None]


def test_fees_paid_count_each_trade_once_whether_the_stream_or_the_history_told_it(scripts: Scripts) -> None:
    said = scripts.ask(
        "fees.js",
        """
        const fees = new it.Fees();
        const told = (offset, time_ms, fee) => ({ shard: 0, offset, index: 0, time_ms, fee });
        const stored = (offset, time_ms, fee) => ({ execution_id: `0-${offset}-0`, time_ms, fee });
        fees.take(told(7, 130, 1));
        const said = [fees.paid];
        fees.begin({ time_ms: 120, fees: 10 }, [stored(7, 130, 1), stored(5, 125, 2), stored(4, 121, null)]);
        said.push(fees.paid);
        fees.take(told(7, 130, 1));
        fees.take(told(8, 140, 4));
        fees.take({ shard: 0, offset: 9, index: 0, time_ms: 141 });
        said.push(fees.paid);
        fees.begin({ time_ms: 140, fees: 13 }, []);
        said.push(fees.paid);
        return said;
        """,
    )
    # The point of 120 holds what traded before, that of 140 all but the trade of its own moment.
    assert said == [None, 13, 17, 17]
