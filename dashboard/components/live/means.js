// What one can buy and sell with, in the ticket: the Trade page's own stream tells it, and the ticket asks for nothing.
import { Figures } from "./dom.js";
import * as format from "./format.js";

const listeners = new Set();
let newest = null;

// `holdings` as the account's stream has made them; null when there is none to follow any more.
export function tellMeans(holdings) {
  newest = holdings;
  for (const draw of listeners) draw();
}

export class TicketMeans {
  constructor(parent) {
    this.figures = new Figures("hb hb-means", ["Available", "Free shares"]);
    this.node = this.figures.node;
    parent.append(this.node);
    this.draw = () => this.#draw();
    listeners.add(this.draw);
  }

  show(data) {
    this.symbol = data.symbol;
    this.draw();
  }

  close() {
    listeners.delete(this.draw);
    this.node.remove();
  }

  #draw() {
    this.figures.show("Available", format.money(newest?.totals()?.available));
    this.figures.show("Free shares", newest?.account ? `${format.number(newest.free(this.symbol))} ${this.symbol}` : "–");
  }
}
