// Time and sales: the newest trade on top.
import { element, Repainter, setClass, setText } from "./dom.js";
import * as format from "./format.js";

const REDRAW_PERIOD_MS = 80;
const ROW_HEIGHT_PX = 18;
const KEPT_MAX = 80;

export class Tape {
  constructor(parent) {
    this.trades = [];
    this.decimals = 2;
    this.rows = element("div", "hb-prints");
    this.node = element(
      "div",
      "hb-tape",
      element("div", "hb-columns", element("span", "", "Price"), element("span", "", "Quantity"), element("span", "", "Time")),
      this.rows,
    );
    parent.append(this.node);
    this.redraw = new Repainter(() => this.#draw(), REDRAW_PERIOD_MS);
    this.resizing = new ResizeObserver(() => this.redraw.ask());
    this.resizing.observe(this.rows);
  }

  reset(decimals) {
    this.decimals = decimals;
    this.load([]);
  }

  load(newestFirst) {
    this.trades = newestFirst.slice(0, KEPT_MAX);
    this.seen = new Set(this.trades.map((trade) => trade.transaction_id));
    this.redraw.ask();
  }

  // Returns false for a trade that is already there.
  add(trade) {
    if (this.seen.has(trade.transaction_id)) return false;
    this.seen.add(trade.transaction_id);
    this.trades.unshift(trade);
    while (this.trades.length > KEPT_MAX) this.seen.delete(this.trades.pop().transaction_id);
    this.redraw.ask();
    return true;
  }

  close() {
    this.resizing.disconnect();
    this.redraw.close();
  }

  #draw() {
    const count = Math.min(this.trades.length, Math.max(10, Math.floor(this.rows.clientHeight / ROW_HEIGHT_PX)));
    while (this.rows.childElementCount < count) {
      this.rows.append(element("div", "hb-print", element("b"), element("span"), element("span")));
    }
    while (this.rows.childElementCount > count) this.rows.lastChild.remove();
    for (let index = 0; index < count; index += 1) {
      const trade = this.trades[index];
      const [price, quantity, time] = this.rows.children[index].children;
      setText(price, format.number(trade.price, this.decimals));
      setClass(price, trade.taker_side === "buy" ? "hb-up" : "hb-down");
      setText(quantity, format.number(trade.quantity));
      setText(time, format.time(trade.time_ms));
    }
  }
}
