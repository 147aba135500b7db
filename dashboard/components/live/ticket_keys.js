// Keys of the ticket, and what fills it from the book. Its fields are Streamlit's.
//
// In a number field the arrows step it. Alt+Shift with B, S or X buys, sells, cancels all: no key that types a letter.
import * as format from "./format.js";

const TICKET = ".st-key-ticket";
const PRICE = ".st-key-ticket_price input";
const STOP = ".st-key-ticket_stop_price input";
const QUANTITY = ".st-key-ticket_quantity input";
const CONFIRM = '[role="dialog"] .st-key-ticket_confirm button';
const SENDERS = ".st-key-ticket_buy button, .st-key-ticket_sell button";
const LARGE_STEPS = 10; // with Shift
const SIDE_PATIENCE_MS = 3000;
const CONFIRM_PATIENCE_MS = 2000;
const SIDES = { KeyB: "buy", KeyS: "sell" };

export class TicketKeys {
  // onCancelAll(); onTrouble(sentence) when a key could not do what it is for.
  constructor({ onCancelAll, onTrouble }) {
    Object.assign(this, { onCancelAll, onTrouble });
    this.listening = new AbortController();
    const { signal } = this.listening;
    document.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    document.addEventListener("click", (event) => event.target.closest?.(SENDERS) && focusConfirm(), { signal });
  }

  follow(asset) {
    this.asset = asset;
    this.decimals = format.decimalsOf(asset.tick_size);
  }

  close() {
    this.listening.abort();
  }

  #onKey(event) {
    if (event.altKey && event.shiftKey && !event.ctrlKey && !event.metaKey) this.#command(event);
    else this.#step(event);
  }

  #command(event) {
    const isCommand = event.code in SIDES || event.code === "KeyX";
    // Elsewhere somebody may be typing: on some keyboards these keys write letters of their own.
    const types = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (!isCommand || event.repeat || (types && !types.closest(TICKET))) return;
    if (document.querySelector('[role="dialog"]')) return;
    event.preventDefault();
    if (event.code === "KeyX") this.onCancelAll();
    else this.#send(SIDES[event.code]);
  }

  async #send(side) {
    const ready = () => document.querySelector(`.st-key-ticket_${side} button:enabled`);
    if (!ready()) {
      const title = side === "buy" ? "Buy" : "Sell";
      const choices = [...document.querySelectorAll(".st-key-ticket_side button")];
      choices.find((button) => button.textContent.trim() === title)?.click();
    }
    const button = await waitFor(ready, SIDE_PATIENCE_MS);
    if (!button) {
      this.onTrouble("The ticket is not there: nothing was sent.");
      return;
    }
    button.click();
  }

  #step(event) {
    const up = event.key === "ArrowUp";
    if (!this.asset || !(up || event.key === "ArrowDown")) return;
    const isPrice = event.target.matches?.(`${PRICE}, ${STOP}`);
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

// Where orders are confirmed, Enter confirms.
async function focusConfirm() {
  (await waitFor(() => document.querySelector(CONFIRM), CONFIRM_PATIENCE_MS))?.focus();
}

async function waitFor(find, patienceMs) {
  const giveUpMs = performance.now() + patienceMs;
  while (performance.now() < giveUpMs) {
    const found = find();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return null;
}
