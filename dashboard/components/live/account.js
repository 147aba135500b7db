// Cash and positions, valued at the last prices.
import { element, headings, KeyedRows, setClass, setText } from "./dom.js";
import * as format from "./format.js";

export class Account {
  constructor(parent) {
    this.cash = null;
    this.positions = new Map();
    this.prices = new Map();
    this.figures = new Map();
    const figures = element("div", "hb-cash");
    for (const name of ["Equity", "Cash", "Available", "Unrealized"]) {
      const value = element("dd", "", "–");
      this.figures.set(name, value);
      figures.append(element("dl", "", element("dt", "", name), value));
    }
    const body = element("tbody");
    const names = ["<Symbol", "Quantity", "Average", "Last", "Value", "P&L"];
    this.empty = element("p", "hb-none", "No shares yet.");
    this.node = element(
      "section",
      "hb-pane hb-account",
      element("h3", "", "Account"),
      figures,
      element("div", "hb-scroll", element("table", "hb-table", headings(names), body), this.empty),
    );
    parent.append(this.node);
    this.rows = new KeyedRows(body, makeRow);
  }

  load({ account, positions }) {
    this.cash = { cash: account.cash, held: account.held_cash };
    this.positions = new Map(positions.map((position) => [position.symbol, position]));
    for (const position of positions) this.#price(position.symbol, position.last_price);
    this.draw();
  }

  // A record carries the balances and those positions that the command changed.
  apply(record) {
    this.cash = { cash: record.cash, held: record.held_cash };
    for (const position of record.positions) this.positions.set(position.symbol, position);
    this.draw();
  }

  setPrices(tickers) {
    for (const ticker of tickers) this.#price(ticker.symbol, ticker.last_price ?? ticker.reference_price);
    this.draw();
  }

  #price(symbol, price) {
    if (price !== null && price !== undefined) this.prices.set(symbol, price);
  }

  draw() {
    const positions = [...this.positions.values()]
      .filter((position) => position.quantity !== 0)
      .sort((a, b) => a.symbol.localeCompare(b.symbol))
      .map((position) => valued(position, this.prices.get(position.symbol)));
    this.empty.hidden = positions.length > 0;
    this.rows.show(positions, (position) => position.symbol, fillRow);
    if (!this.cash) return;
    const sum = (name) => positions.reduce((total, position) => total + (position[name] ?? 0), 0);
    const profit = sum("profit");
    setText(this.figures.get("Equity"), format.money(this.cash.cash + sum("value")));
    setText(this.figures.get("Cash"), format.money(this.cash.cash));
    setText(this.figures.get("Available"), format.money(this.cash.cash - this.cash.held));
    setText(this.figures.get("Unrealized"), format.signed(profit, 2));
    setClass(this.figures.get("Unrealized"), format.direction(profit));
  }
}

function valued(position, price) {
  const { quantity, average_price: average } = position;
  const value = price === undefined ? null : quantity * price;
  const priced = value !== null && average !== null;
  const profit = priced ? quantity * (price - average) : null;
  return { ...position, price, value, profit, profitShare: priced && average ? (profit / Math.abs(quantity * average)) * 100 : null };
}

function makeRow() {
  const cells = Array.from({ length: 6 }, (_, index) => element("td", index === 0 ? "hb-left" : ""));
  return { node: element("tr", "", ...cells), cells };
}

function fillRow({ cells }, position) {
  const texts = [
    position.symbol,
    format.number(position.quantity),
    format.number(position.average_price, 2),
    format.number(position.price, 2),
    format.number(position.value, 2),
    `${format.signed(position.profit, 2)} (${format.percent(position.profitShare)})`,
  ];
  texts.forEach((text, index) => setText(cells[index], text));
  setClass(cells[5], format.direction(position.profit));
}
