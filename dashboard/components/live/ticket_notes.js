// What the ticket tells as it changes: what the phase takes, and what one can buy and sell with.
//
// The Trade page's own streams tell it, and the ticket asks for nothing: nor does it run again, which would cost somebody
// who is typing the field's focus, or an order its time in force.
import { element, Figures, setText } from "./dom.js";
import * as format from "./format.js";
import { phaseNote } from "./words.js";

const listeners = new Set();
let holdings = null;
let tickers = null;

// The account's holdings as its stream has made them; null when there is none to follow any more.
export function tellMeans(newest) {
  holdings = newest;
  for (const notes of listeners) notes.drawMeans();
}

// The newest ticker of each symbol, as a Map; null as above.
export function tellTickers(newest) {
  tickers = newest;
  for (const notes of listeners) notes.drawPhase();
}

export class TicketNotes {
  constructor(parent) {
    this.phase = element("p", "hb-phase-note");
    this.phase.setAttribute("role", "status");
    this.means = new Figures("hb-means", ["Available", "Free shares"]);
    this.node = element("div", "hb hb-notes", this.phase, this.means.node);
    parent.append(this.node);
    listeners.add(this);
  }

  // order: { symbol, type, time_in_force } as the ticket's fields have them.
  show(order) {
    this.order = order;
    this.drawPhase();
    this.drawMeans();
  }

  close() {
    listeners.delete(this);
    this.node.remove();
  }

  drawPhase() {
    setText(this.phase, this.order ? phaseNote(tickers?.get(this.order.symbol)?.phase, this.order) : "");
  }

  drawMeans() {
    this.means.show("Available", format.money(holdings?.totals()?.available));
    this.means.show("Free shares", holdings?.account ? `${format.number(holdings.free(this.order?.symbol))} ${this.order?.symbol}` : "–");
  }
}
