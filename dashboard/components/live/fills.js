// My newest trades: those from before this visit, and each as it happens.
import { element, headings, KeyedRows, setClass, setText } from "./dom.js";
import * as format from "./format.js";
import { sideName } from "./words.js";

const KEPT_MAX = 300;
const SHOWN_MAX = 100;
const NAMES = ["<Time", "<Symbol", "<Side", "Price", "Quantity", "Value", "Fee", "<Liquidity"];

// The history tells an execution's id; the stream tells the place that it is made of.
export const executionId = ({ execution_id: id, shard, offset, index }) => id ?? `${shard}-${offset}-${index}`;

export class Fills {
  constructor(decimalsOf) {
    this.decimalsOf = decimalsOf;
    const body = element("tbody");
    this.empty = element("p", "hb-none", "Loading your trades…");
    this.node = element("div", "hb-scroll hb-fills", element("table", "hb-table", headings(NAMES), body), this.empty);
    this.rows = new KeyedRows(body, makeRow);
    this.byId = new Map();
  }

  load(executions) {
    for (const execution of executions) this.#keep(execution);
    setText(this.empty, "No trades yet: what you buy and sell is listed here.");
    this.#draw();
  }

  // The history comes from the recorder: it may not have what this visit has already seen.
  apply(execution) {
    this.#keep(execution);
    this.#draw();
  }

  of(symbol) {
    return this.newest.filter((fill) => fill.symbol === symbol);
  }

  get newest() {
    return [...this.byId.values()].sort((a, b) => b.time_ms - a.time_ms).slice(0, KEPT_MAX);
  }

  #keep(execution) {
    const id = executionId(execution);
    this.byId.set(id, {
      id,
      time_ms: execution.time_ms,
      symbol: execution.symbol,
      side: execution.side,
      price: execution.last_price,
      quantity: execution.last_quantity,
      fee: execution.fee,
      liquidity: execution.liquidity,
    });
    if (this.byId.size > 2 * KEPT_MAX) this.byId = new Map(this.newest.map((fill) => [fill.id, fill]));
  }

  #draw() {
    const shown = this.newest.slice(0, SHOWN_MAX);
    this.empty.hidden = shown.length > 0;
    this.rows.show(shown, (fill) => fill.id, (row, fill) => fillRow(row, fill, this.decimalsOf(fill.symbol)));
  }
}

function makeRow() {
  const cells = NAMES.map((name) => element("td", name.startsWith("<") ? "hb-left" : ""));
  return { node: element("tr", "", ...cells), cells };
}

function fillRow({ cells }, fill, decimals) {
  const texts = [
    format.dayAndTime(fill.time_ms),
    fill.symbol,
    sideName(fill.side),
    format.number(fill.price, decimals),
    format.number(fill.quantity),
    format.number(fill.price * fill.quantity, 2),
    format.number(fill.fee ?? 0, 2),
    fill.liquidity ?? "",
  ];
  texts.forEach((text, index) => setText(cells[index], text));
  setClass(cells[2], `hb-left ${fill.side === "buy" ? "hb-up" : "hb-down"}`);
}
