// The account in full: what it is worth now, what it was worth, and what it holds.
import { Api } from "./api.js";
import { Banner } from "./banner.js";
import { element, Figures, headings, KeyedRows, setClass, setText } from "./dom.js";
import { Allocation, NOT_OPEN } from "./allocation.js";
import { EquityChart, SUBJECTS } from "./chart/equity_chart.js";
import { Feed } from "./feed.js";
import { Fees } from "./fees.js";
import * as format from "./format.js";
import { Holdings } from "./holdings.js";
import { Looking } from "./looking.js";
import { MarketClock } from "./market_clock.js";
import { Visitor } from "./visitor.js";

// Asked for rather than streamed: every tick would be more than a portfolio is watched for.
const PRICES_PERIOD_MS = 2000;
const HISTORY_PERIOD_MS = 60000;
const HISTORY_RETRY_MS = 3000;
const FILLS_LOADED = 1000; // since the newest point, which is a minute old
const RANGES = {
  "1h": { interval: "1m", limit: 61 },
  "1d": { interval: "5m", limit: 289 },
  "1w": { interval: "30m", limit: 337 },
  "1M": { interval: "4h", limit: 187 },
  "1y": { interval: "1d", limit: 366 },
};
const FIGURES = ["Equity", "Available", "Held by orders", "Cash", "Unrealized", "Realized", "Fees paid"];
const COLUMNS = ["<Symbol", "Quantity", "Held", "Average", "Last", "Value", "Unrealized", "%", "Realized"];

export class AccountPage {
  constructor(parent) {
    this.node = element("div", "hb hb-account-page");
    parent.append(this.node);
  }

  show(data) {
    if (this.api) return;
    this.api = new Api(data.api_port);
    this.visitor = new Visitor(this.api, data.user);
    this.holdings = new Holdings();
    this.clock = new MarketClock();
    this.fees = new Fees();
    this.#build(data);
    this.#choose("1d", "equity");
    this.#follow();
    this.history = new Looking(() => this.#refreshHistory(), HISTORY_PERIOD_MS);
    this.prices = new Looking(() => this.#refreshPrices(), PRICES_PERIOD_MS);
  }

  close() {
    this.closed = true;
    for (const part of [this.history, this.prices, this.feed, this.chart, this.banner]) part?.close();
    this.node.remove();
  }

  #build(data) {
    this.banner = new Banner(this.node);
    this.notice = element("p", "hb-notice", "Trading is switched off for your account: orders can be canceled, not placed. Ask an admin.");
    this.notice.hidden = true;
    this.figures = new Figures("hb-cash hb-worth", FIGURES);
    const worth = element("section", "hb-pane", element("h3", "", "Portfolio", element("span", "hb-count", data.user.investor_id)), this.figures.node);
    this.ranges = switches("Range", Object.keys(RANGES), (range) => this.#choose(range, this.subject));
    const titles = Object.fromEntries(Object.entries(SUBJECTS).map(([name, { title }]) => [title, name]));
    this.subjects = switches("Curve", Object.keys(titles), (title) => this.#choose(this.range, titles[title]));
    const curve = element("section", "hb-pane hb-curve", element("div", "hb-bar", this.ranges, this.subjects));
    const body = element("tbody");
    this.empty = element("p", "hb-none", "Loading your account…");
    const positions = element(
      "section",
      "hb-pane hb-positions",
      element("h3", "", "Positions"),
      element("div", "hb-scroll", element("table", "hb-table", headings(COLUMNS), body), this.empty),
    );
    this.allocation = new Allocation();
    const shares = element("section", "hb-pane", element("h3", "", "Allocation"), element("div", "hb-scroll", this.allocation.node));
    this.node.append(this.notice, worth, curve, element("div", "hb-account-foot", positions, shares));
    this.chart = new EquityChart(curve, data.plotly_url);
    this.rows = new KeyedRows(body, makeRow);
  }

  #choose(range, subject) {
    const changed = range !== this.range;
    this.range = range;
    this.subject = subject;
    press(this.ranges, range);
    press(this.subjects, SUBJECTS[subject].title);
    this.chart.choose(subject);
    if (changed) this.history?.again();
  }

  #follow() {
    this.banner.set("account", false);
    this.feed = new Feed({
      wish: this.api.account(this.visitor.user, ["account_snapshot", "execution", "account"]),
      load: () => this.visitor.confirm(),
      onLoaded: () => {},
      onEvent: (name, event) => this.#onEvent(name, event),
      onLive: (isLive, sinceMs) => this.#onLive(isLive, sinceMs),
    });
  }

  #onLive(isLive, sinceMs) {
    this.banner.setLive("account", isLive, sinceMs);
    // A stream that ended may have ended with the session, and a browser does not tell why.
    if (!isLive) this.visitor.confirm().catch(() => {});
  }

  #onEvent(name, event) {
    if (name === "execution") {
      this.fees.take(event);
      return true;
    }
    if (event.time_ms) this.clock.see(event.time_ms);
    if (name === "account") this.holdings.apply(event);
    else this.holdings.load(event);
    this.isKnown = true;
    this.#draw();
    return true;
  }

  async #refreshPrices() {
    try {
      const tickers = await this.api.assets();
      if (this.closed) return;
      for (const ticker of tickers) this.clock.see(ticker.time_ms);
      this.holdings.setPrices(tickers);
      this.pricesMs = Date.now();
      this.banner.set("prices", true);
      this.#draw();
    } catch {
      if (!this.closed) this.banner.setLive("prices", false, this.pricesMs ?? null);
    }
  }

  async #refreshHistory() {
    const { range } = this;
    const { interval, limit } = RANGES[range];
    try {
      const [{ points }, newest] = await Promise.all([this.api.portfolio(interval, limit), this.api.portfolio("1m", 1)]);
      const point = newest.points.at(-1);
      const { executions } = point ? await this.api.fills(FILLS_LOADED, point.time_ms) : { executions: [] };
      if (this.closed || range !== this.range) return null;
      if (point) {
        this.clock.see(point.time_ms);
        this.fees.begin(point, executions);
      }
      this.chart.load(points);
      this.#draw();
      return HISTORY_PERIOD_MS;
    } catch (error) {
      if (this.closed || range !== this.range) return null;
      this.chart.fail(`${error.message} Trying again…`);
      return HISTORY_RETRY_MS;
    }
  }

  #draw() {
    const totals = this.holdings.totals();
    const positions = this.holdings.valued({ closed: true });
    const fees = this.fees.paid;
    this.notice.hidden = !this.holdings.account?.tradingDisabled;
    this.empty.hidden = positions.length > 0;
    if (this.isKnown) setText(this.empty, totals ? "No shares yet: buy some on the Trade page." : NOT_OPEN);
    this.allocation.draw(totals, this.holdings.valued(), this);
    this.rows.show(positions, (position) => position.symbol, fillRow);
    this.figures.show("Equity", format.money(totals?.equity));
    this.figures.show("Available", format.money(totals?.available));
    this.figures.show("Held by orders", format.money(totals?.held));
    this.figures.show("Cash", format.money(totals?.cash));
    this.figures.show("Unrealized", format.gain(totals?.unrealized), format.direction(totals?.unrealized));
    this.figures.show("Realized", format.gain(totals?.realized), format.direction(totals?.realized));
    this.figures.show("Fees paid", format.money(fees));
    if (totals) this.chart.setNow(this.#now(totals, fees ?? 0));
  }

  // What came in by neither trade nor profit was paid in.
  #now({ equity, realized, unrealized }, fees) {
    return { time_ms: this.clock.now(), equity, fees, net_deposits: equity - (realized + unrealized - fees) };
  }
}

function switches(label, names, choose) {
  const group = element("div", "hb-intervals");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", label);
  for (const name of names) {
    const button = element("button", "", name);
    button.type = "button";
    button.addEventListener("click", () => choose(name));
    group.append(button);
  }
  return group;
}

function press(group, name) {
  for (const button of group.children) button.setAttribute("aria-pressed", String(button.textContent === name));
}

function makeRow() {
  const cells = COLUMNS.map((name) => element("td", name.startsWith("<") ? "hb-left" : ""));
  return { node: element("tr", "", ...cells), cells };
}

function fillRow({ cells }, position) {
  const texts = [
    position.symbol,
    format.number(position.quantity),
    format.number(position.held_quantity),
    format.number(position.average_price, 2),
    format.number(position.price, 2),
    format.number(position.value, 2),
    format.signed(position.profit, 2),
    format.percent(position.profitShare),
    format.signed(position.realized_profit, 2),
  ];
  texts.forEach((text, index) => setText(cells[index], text));
  for (const index of [6, 7]) setClass(cells[index], format.direction(position.profit));
  setClass(cells[8], format.direction(position.realized_profit));
}
