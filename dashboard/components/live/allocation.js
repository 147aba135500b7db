// What the account's worth is made of: cash and each symbol, as bars.
import { element, KeyedRows, setText } from "./dom.js";
import * as format from "./format.js";

export const NOT_OPEN = "Your account is not open yet; open it on the right.";
const COLOURS = ["#3d7eff", "#e0a63a", "#b072e8", "#31b5d6", "#e8709a", "#21b685"];

export class Allocation {
  constructor() {
    const body = element("div");
    this.empty = element("p", "hb-none", "Loading your account…");
    this.node = element("div", "hb-allocation", body, this.empty);
    this.rows = new KeyedRows(body, makeRow);
    this.colours = new Map([["Cash", "var(--hb-dim)"]]);
  }

  // What is owed takes no share of what there is. `totals` are null while the account is not open, or not known yet.
  draw(totals, positions, { isKnown }) {
    const parts = totals ? [{ name: "Cash", value: totals.cash }, ...positions.map(({ symbol, value }) => ({ name: symbol, value: Math.abs(value ?? 0) }))] : [];
    const shown = parts.filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
    const whole = shown.reduce((sum, { value }) => sum + value, 0);
    this.empty.hidden = shown.length > 0;
    if (isKnown) setText(this.empty, totals ? "Nothing yet: deposit cash on the right." : NOT_OPEN);
    this.rows.show(shown, ({ name }) => name, ({ bar, told, share }, { name, value }) => {
      bar.style.width = `${((100 * value) / whole).toFixed(2)}%`;
      bar.style.background = this.#colour(name);
      setText(told, format.money(value));
      setText(share, `${format.number((100 * value) / whole, 1)}%`);
    });
  }

  #colour(name) {
    if (!this.colours.has(name)) this.colours.set(name, COLOURS[(this.colours.size - 1) % COLOURS.length]);
    return this.colours.get(name);
  }
}

function makeRow({ name }) {
  const bar = element("i");
  const told = element("span");
  const share = element("b");
  return { node: element("div", "hb-part", element("b", "", name), element("div", "hb-part-bar", bar), told, share), bar, told, share };
}
