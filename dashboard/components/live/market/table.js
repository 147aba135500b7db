// The table of symbols: sorted by a click on a heading, narrowed by what is typed, starred ones kept together.
import { element, KeyedRows, setClass, setText } from "../dom.js";
import * as format from "../format.js";
import { phaseName } from "../words.js";
import { Sparkline } from "./sparkline.js";

const price = (ticker, value) => format.number(value, format.decimalsOf(ticker.tick_size));
const last = (ticker) => ticker.last_price ?? ticker.reference_price;
const spread = ({ bid, ask }) => (bid === null || ask === null ? null : ask - bid);

// key: how it is sorted; text: how it is told.
const COLUMNS = [
  { name: "Symbol", left: true, key: (ticker) => ticker.symbol },
  { name: "Name", left: true, key: (ticker) => ticker.name, text: (ticker) => ticker.name },
  { name: "Last", key: last, text: (ticker) => price(ticker, last(ticker)) },
  { name: "Change", key: (ticker) => ticker.change, text: (ticker) => format.signed(ticker.change, format.decimalsOf(ticker.tick_size)), toned: true },
  { name: "Change %", key: (ticker) => ticker.change_percent, text: (ticker) => format.percent(ticker.change_percent), toned: true },
  { name: "Today", left: true },
  { name: "Low", key: (ticker) => ticker.low, text: (ticker) => price(ticker, ticker.low) },
  { name: "High", key: (ticker) => ticker.high, text: (ticker) => price(ticker, ticker.high) },
  { name: "Volume", key: (ticker) => ticker.volume, text: (ticker) => format.short(ticker.volume) },
  { name: "Bid", key: (ticker) => ticker.bid, text: (ticker) => price(ticker, ticker.bid) },
  { name: "Ask", key: (ticker) => ticker.ask, text: (ticker) => price(ticker, ticker.ask) },
  { name: "Spread", key: spread, text: (ticker) => price(ticker, spread(ticker)) },
  { name: "Buyers", left: true, key: (ticker, { imbalance }) => imbalance.get(ticker.symbol) ?? null },
  { name: "Market", left: true, key: (ticker) => ticker.phase, text: (ticker) => phaseName(ticker.phase) },
];
const SYMBOL = 0;
const LAST = 2;
const TODAY = 5;
const BUYERS = 12;

export class Table {
  // onOpen(symbol); onStar(symbol); onSort(column's name).
  constructor({ onOpen, onStar, onSort }) {
    Object.assign(this, { onOpen, onStar });
    this.headings = COLUMNS.map((column) => heading(column, onSort));
    const body = element("tbody");
    this.empty = element("p", "hb-none", "Loading the market…");
    const table = element("table", "hb-table hb-watch", element("thead", "", element("tr", "", ...this.headings)), body);
    this.node = element("div", "hb-scroll", table, this.empty);
    this.rows = new KeyedRows(body, (ticker) => this.#row(ticker));
  }

  // `chosen`: sort { column, descending }, stars (Set), onlyStars, filter. `facts`: sparks and imbalance by symbol.
  draw(tickers, chosen, facts) {
    const shown = arranged(tickers, chosen, facts);
    this.empty.hidden = shown.length > 0;
    if (tickers.length) setText(this.empty, chosen.onlyStars && !chosen.stars.size ? "No stars yet: press the star beside a symbol." : "No symbol is like that.");
    COLUMNS.forEach(({ name }, index) => {
      const direction = name === chosen.sort.column ? (chosen.sort.descending ? "descending" : "ascending") : "none";
      this.headings[index].setAttribute("aria-sort", direction);
    });
    this.rows.show(shown, (ticker) => ticker.symbol, (row, ticker) => fill(row, ticker, chosen, facts));
    return shown;
  }

  #row(ticker) {
    const cells = COLUMNS.map(({ left }) => element("td", left ? "hb-left" : ""));
    const star = element("button", "hb-star");
    star.type = "button";
    star.setAttribute("aria-label", `Keep ${ticker.symbol} on the watchlist`);
    star.addEventListener("click", () => this.onStar(ticker.symbol));
    const open = element("button", "hb-open", ticker.symbol);
    open.type = "button";
    open.addEventListener("click", () => this.onOpen(ticker.symbol));
    cells[SYMBOL].append(star, open);
    const spark = new Sparkline();
    cells[TODAY].append(spark.node);
    const share = element("i");
    const bar = element("div", "hb-balance", share);
    const told = element("span");
    cells[BUYERS].append(element("div", "hb-share", bar, told));
    return { node: element("tr", "", ...cells), cells, spark, star, share, bar, told };
  }
}

function heading({ name, left, key }, onSort) {
  const cell = element("th", left ? "hb-left" : "");
  cell.scope = "col";
  if (!key) {
    cell.textContent = name;
    return cell;
  }
  const button = element("button", "", name);
  button.type = "button";
  button.addEventListener("click", () => onSort(name));
  cell.append(button);
  return cell;
}

export function arranged(tickers, { sort, stars, onlyStars, filter }, facts) {
  const wanted = filter.trim().toLocaleLowerCase();
  const { key } = COLUMNS.find(({ name }) => name === sort.column) ?? COLUMNS[SYMBOL];
  const sign = sort.descending ? -1 : 1;
  return tickers
    .filter((ticker) => !onlyStars || stars.has(ticker.symbol))
    .filter(({ symbol, name }) => `${symbol} ${name}`.toLocaleLowerCase().includes(wanted))
    .sort((a, b) => sign * compared(key(a, facts), key(b, facts)) || a.symbol.localeCompare(b.symbol));
}

// What is not known comes last in both directions' middle: below everything that is.
function compared(a, b) {
  if (a === null || a === undefined) return b === null || b === undefined ? 0 : -1;
  if (b === null || b === undefined) return 1;
  return typeof a === "string" ? a.localeCompare(b) : a - b;
}

function fill({ node, cells, spark, star, share, bar, told }, ticker, { stars }, { sparks, imbalance }) {
  const tone = format.direction(ticker.change);
  COLUMNS.forEach(({ text, toned, left }, index) => {
    if (text) setText(cells[index], text(ticker));
    if (toned) setClass(cells[index], left ? `hb-left ${tone}` : tone);
  });
  star.setAttribute("aria-pressed", String(stars.has(ticker.symbol)));
  setText(star, stars.has(ticker.symbol) ? "★" : "☆");
  flash(node, cells[LAST], ticker);
  const history = sparks.get(ticker.symbol);
  const newest = ticker.last_price ?? history?.at(-1); // none, before a symbol's first trade
  if (history && newest !== undefined) spark.draw([...history, newest], ticker.change);
  const bought = imbalance.get(ticker.symbol);
  bar.style.visibility = bought === undefined ? "hidden" : "visible"; // half and half would be a figure, too
  share.style.transform = `scaleX(${bought ?? 0.5})`;
  setText(told, bought === undefined ? "–" : `${format.number(100 * bought)}%`);
}

function flash(node, cell, ticker) {
  const before = node.lastPrice;
  node.lastPrice = ticker.last_price;
  if (before === undefined || before === ticker.last_price) return;
  cell.getAnimations().forEach((animation) => animation.cancel());
  const tone = ticker.last_price > before ? "--hb-up-soft" : "--hb-down-soft";
  cell.animate([{ backgroundColor: getComputedStyle(cell).getPropertyValue(tone) }, { backgroundColor: "transparent" }], 700);
}
