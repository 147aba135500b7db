// The depth ladder: asks above, bids below, the spread between them.
import { element, Repainter, setClass, setText } from "./dom.js";
import * as format from "./format.js";

const REDRAW_PERIOD_MS = 80;
const ROW_HEIGHT_PX = 18;
const LEVELS_MIN = 3;
const LEVELS_MAX = 40;

export class Ladder {
  constructor(parent, book, onPrice) {
    this.book = book;
    this.decimals = 2;
    this.asks = element("div", "hb-levels hb-asks");
    this.bids = element("div", "hb-levels hb-bids");
    this.lastPrice = element("b", "", "–");
    this.spread = element("span", "", "");
    this.balance = element("div", "hb-balance", element("i"));
    this.balance.title = "Share of buyers among the quantity shown";
    const names = ["Price", "Quantity", "Total"].map((name) => element("span", "", name));
    this.columns = element("div", "hb-columns", ...names);
    this.between = element("div", "hb-spread", this.lastPrice, this.spread);
    this.node = element(
      "div",
      "hb-ladder",
      this.columns,
      this.asks,
      this.between,
      this.bids,
      this.balance,
    );
    parent.append(this.node);
    this.node.addEventListener("click", (event) => {
      const level = event.target.closest(".hb-level")?.level;
      if (level) onPrice(level.price);
    });
    this.redraw = new Repainter(() => this.#draw(), REDRAW_PERIOD_MS);
    this.resizing = new ResizeObserver(() => this.redraw.ask());
    this.resizing.observe(parent);
  }

  show(isShown) {
    this.node.hidden = !isShown;
    this.redraw.ask();
  }

  // Prices at which one's own orders wait are marked.
  setOwn(prices) {
    this.own = new Set(prices);
    this.redraw.ask();
  }

  reset(decimals) {
    this.decimals = decimals;
    this.setLast(null, "");
    this.redraw.ask();
  }

  setLast(price, takerSide) {
    setText(this.lastPrice, format.number(price, this.decimals));
    this.lastPrice.className = takerSide === "buy" ? "hb-up" : takerSide === "sell" ? "hb-down" : "";
  }

  close() {
    this.resizing.disconnect();
    this.redraw.close();
  }

  #draw() {
    if (this.node.hidden) return;
    const taken = [this.columns, this.between, this.balance].reduce((sum, node) => sum + node.offsetHeight, 0);
    const room = this.node.clientHeight - taken;
    const count = Math.min(LEVELS_MAX, Math.max(LEVELS_MIN, Math.floor(room / 2 / ROW_HEIGHT_PX)));
    const asks = this.book.best("asks", count);
    const bids = this.book.best("bids", count);
    const most = Math.max(1, asks.at(-1)?.total ?? 0, bids.at(-1)?.total ?? 0);
    this.#drawSide(this.asks, asks, count, most);
    this.#drawSide(this.bids, bids, count, most);
    this.#drawBetween(bids, asks);
  }

  #drawSide(node, levels, count, most) {
    while (node.childElementCount < count) node.append(levelRow());
    while (node.childElementCount > count) node.lastChild.remove();
    for (let index = 0; index < count; index += 1) {
      const row = node.children[index];
      const [bar, price, quantity, total] = row.children;
      const level = levels[index];
      row.level = level;
      setClass(row, level && this.own?.has(level.price) ? "hb-level hb-own" : "hb-level");
      bar.style.transform = `scaleX(${level ? level.total / most : 0})`;
      setText(price, level ? format.number(level.price, this.decimals) : "");
      setText(quantity, level ? format.number(level.quantity) : "");
      setText(total, level ? format.number(level.total) : "");
    }
  }

  #drawBetween(bids, asks) {
    const both = bids.length && asks.length;
    const gap = both ? asks[0].price - bids[0].price : null;
    const share = both ? (gap / ((asks[0].price + bids[0].price) / 2)) * 100 : null;
    const crossed = `Crossed by ${format.number(Math.abs(gap), this.decimals)}`;
    const apart = `Spread ${format.number(gap, this.decimals)} (${format.number(share, 2)}%)`;
    // As in an auction, where orders wait for each other.
    setText(this.spread, both ? (gap > 0 ? apart : crossed) : "");
    const bought = bids.at(-1)?.total ?? 0;
    const all = bought + (asks.at(-1)?.total ?? 0);
    this.balance.firstChild.style.transform = `scaleX(${all ? bought / all : 0.5})`;
  }
}

function levelRow() {
  return element("div", "hb-level", element("i"), element("b"), element("span"), element("span"));
}
