// The account in small, below the chart: cash and positions.
import { element, Figures, headings, KeyedRows, setClass, setText, symbolCell } from "./dom.js";
import * as format from "./format.js";

export class Account {
  // onSymbol(symbol) when one is to be shown.
  constructor(parent, holdings, onSymbol) {
    this.holdings = holdings;
    this.figures = new Figures("hb-cash", ["Equity", "Cash", "Available", "Unrealized"]);
    const body = element("tbody");
    const names = ["<Symbol", "Quantity", "Average", "Last", "Value", "P&L"];
    this.empty = element("p", "hb-none", "Loading your account…");
    this.node = element(
      "section",
      "hb-pane hb-account",
      element("h3", "hb-spoken", "Positions"),
      this.figures.node,
      scrolled(element("table", "hb-table", headings(names), body), this.empty),
    );
    parent.append(this.node);
    this.rows = new KeyedRows(body, () => makeRow(onSymbol));
  }

  draw() {
    const positions = this.holdings.valued();
    const totals = this.holdings.totals();
    this.empty.hidden = positions.length > 0;
    setText(this.empty, totals ? "No shares yet." : "Your account is not open yet; the ticket opens it.");
    this.rows.show(positions, (position) => position.symbol, fillRow);
    this.figures.show("Equity", format.money(totals?.equity));
    this.figures.show("Cash", format.money(totals?.cash));
    this.figures.show("Available", format.money(totals?.available));
    this.figures.show("Unrealized", format.gain(totals?.unrealized), format.direction(totals?.unrealized));
  }
}

// A keyboard scrolls only what can be focused.
function scrolled(...children) {
  const node = element("div", "hb-scroll", ...children);
  node.tabIndex = 0;
  node.setAttribute("role", "region");
  node.setAttribute("aria-label", "Positions");
  return node;
}

function makeRow(onSymbol) {
  const [cell, symbol] = symbolCell(onSymbol);
  const figures = Array.from({ length: 5 }, () => element("td"));
  return { node: element("tr", "", cell, ...figures), cells: [symbol, ...figures] };
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
