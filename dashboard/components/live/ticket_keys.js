// Lets the ticket's fields be stepped with the arrow keys and filled from the book. The fields are Streamlit's.
import * as format from "./format.js";

const PRICE = ".st-key-ticket_price input";
const QUANTITY = ".st-key-ticket_quantity input";
const LARGE_STEPS = 10; // with Shift

export class TicketKeys {
  constructor() {
    this.listening = new AbortController();
    document.addEventListener("keydown", (event) => this.#step(event), { signal: this.listening.signal });
  }

  follow(asset) {
    this.asset = asset;
    this.decimals = format.decimalsOf(asset.tick_size);
  }

  close() {
    this.listening.abort();
  }

  #step(event) {
    const up = event.key === "ArrowUp";
    if (!this.asset || !(up || event.key === "ArrowDown")) return;
    const isPrice = event.target.matches?.(PRICE);
    if (!isPrice && !event.target.matches?.(QUANTITY)) return;
    const step = isPrice ? this.asset.tick_size : this.asset.lot_size;
    const typed = Number(event.target.value.replace(/\./g, "").replace(",", "."));
    if (!Number.isFinite(typed)) return;
    event.preventDefault();
    const steps = Math.round(typed / step) + (up ? 1 : -1) * (event.shiftKey ? LARGE_STEPS : 1);
    write(event.target, format.number(Math.max(1, steps) * step, isPrice ? this.decimals : 0));
  }
}

export function fillPrice(text) {
  const input = document.querySelector(PRICE);
  if (!input) return;
  write(input, text);
  input.focus();
}

// React only notices a value that was set past its own property.
function write(input, text) {
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(input, text);
  input.dispatchEvent(new Event("input", { bubbles: true }));
}
