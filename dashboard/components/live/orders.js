// My open orders: each can be amended in its row, or canceled.
import { element, headings, KeyedRows, setClass, setText, symbolCell } from "./dom.js";
import * as format from "./format.js";
import { parseNumber } from "./numbers.js";
import { lastingName, sentence, shownName, sideName, typeName } from "./words.js";

const OPEN = new Set(["pending_trigger", "new", "partially_filled"]);
const NAMES = ["<Time", "<Symbol", "<Side", "<Type", "Price", "Stop", "Quantity", "Filled", "<In force", "(Actions)"];
const SYMBOL = 1;
const PRICE = 4;
const QUANTITY = 6;

export class Orders {
  // onChanged() after every change of what is open; onSymbol(symbol) when one is to be shown.
  constructor({ api, toasts, onChanged, onSymbol = () => {} }) {
    Object.assign(this, { api, toasts, onChanged, onSymbol });
    this.decimalsBySymbol = new Map();
    this.unanswered = new Set();
    this.cancelAllButton = element("button", "hb-quiet", "Cancel all");
    this.cancelAllButton.type = "button";
    this.cancelAllButton.addEventListener("click", () => this.cancelAll());
    const body = element("tbody");
    this.empty = element("p", "hb-none", "No open orders. What you send from the ticket waits here until it is filled.");
    this.node = element("div", "hb-scroll hb-orders", element("table", "hb-table", headings(NAMES), body), this.empty);
    this.rows = new KeyedRows(body, (order) => this.#row(order));
    this.load([]);
  }

  list(assets) {
    for (const asset of assets) this.decimalsBySymbol.set(asset.symbol, format.decimalsOf(asset.tick_size));
  }

  decimalsOf(symbol) {
    return this.decimalsBySymbol.get(symbol) ?? 2;
  }

  load(orders) {
    this.orders = new Map(orders.map((order) => [order.order_id, { ...order, time_ms: order.created_ms }]));
    this.#draw();
  }

  // A refused cancel or amend is answered on the order's id too, and leaves the order as it was.
  isRefusedChange(execution) {
    return execution.execution_type === "rejected" && this.orders.has(execution.order_id);
  }

  // Whoever asked for the change has its answer, unless it was slow to come.
  tellRefusedChange({ order_id: orderId, message }) {
    if (this.unanswered.delete(orderId)) this.toasts.show({ kind: "bad", title: "Not changed", detail: sentence(message ?? "") });
  }

  apply(execution) {
    const known = this.orders.get(execution.order_id);
    this.unanswered.delete(execution.order_id);
    if (OPEN.has(execution.status)) {
      this.orders.set(execution.order_id, { ...execution, time_ms: known?.time_ms ?? execution.time_ms });
    } else {
      this.orders.delete(execution.order_id);
    }
    this.#draw();
  }

  of(symbol) {
    return [...this.orders.values()].filter((order) => order.symbol === symbol);
  }

  #draw() {
    const orders = [...this.orders.values()].sort((a, b) => b.time_ms - a.time_ms);
    this.cancelAllButton.disabled = orders.length === 0;
    this.empty.hidden = orders.length > 0;
    this.rows.show(orders, (order) => order.order_id, (row, order) => this.#fill(row, order));
    this.onChanged(orders);
  }

  #row(order) {
    const cells = NAMES.slice(0, -1).map((name) => element("td", name.startsWith("<") ? "hb-left" : ""));
    const what = `${sideName(order.side)} ${order.symbol}`;
    const amend = quietButton("Amend", `Amend ${what}`);
    const cancel = quietButton("Cancel", `Cancel ${what}`);
    const actions = element("td", "hb-actions", amend, cancel);
    const node = element("tr", "", ...cells, actions);
    const [cell, symbol] = symbolCell(this.onSymbol);
    cells[SYMBOL].replaceWith(cell);
    cells[SYMBOL] = symbol;
    // On a phone, where there is no room for how long an order is in force, its date is told here.
    const until = element("small", "hb-note hb-narrow");
    cell.append(until);
    const quantity = element("span");
    const shown = element("small", "hb-note");
    const row = { node, cells, actions, amend, cancel, until, quantity, shown, editor: null };
    amend.addEventListener("click", () => this.#edit(row, order.order_id));
    cancel.addEventListener("click", () => this.cancel(order.order_id, cancel));
    row.node.addEventListener("keydown", (event) => {
      if (!row.editor) return;
      if (event.key === "Escape") row.actions.lastChild.click();
      else if (event.key === "Enter" && event.target.matches("input")) row.actions.firstChild.click();
    });
    return row;
  }

  #fill({ cells, until, quantity, shown, editor }, order) {
    const decimals = this.decimalsOf(order.symbol);
    const texts = [
      format.when(order.time_ms),
      order.symbol,
      sideName(order.side),
      order.post_only ? `${typeName(order.type)}, post only` : typeName(order.type),
      format.number(order.price, decimals),
      format.number(order.stop_price, decimals),
      format.number(order.quantity),
      format.number(order.filled_quantity),
      lastingName(order),
    ];
    texts.forEach((text, index) => {
      if (index === QUANTITY) setText(quantity, text);
      else if (!editor || index !== PRICE) setText(cells[index], text);
    });
    setText(shown, shownName(order));
    setText(until, order.expires_at_ms ? lastingName(order) : "");
    if (!editor && quantity.parentNode !== cells[QUANTITY]) cells[QUANTITY].replaceChildren(quantity, shown);
    setClass(cells[2], `hb-left ${order.side === "buy" ? "hb-up" : "hb-down"}`);
  }

  #edit(row, orderId) {
    const order = this.orders.get(orderId);
    if (row.editor || !order) return;
    const decimals = this.decimalsOf(order.symbol);
    const price = order.price === null || order.price === undefined ? null : numberInput("New price", format.number(order.price, decimals));
    const quantity = numberInput("New quantity", format.number(order.quantity));
    const save = quietButton("Save", "Save the amended order");
    const back = quietButton("Back", "Leave the order as it is");
    row.editor = { price, quantity };
    if (price) row.cells[PRICE].replaceChildren(price);
    row.cells[QUANTITY].replaceChildren(quantity);
    row.actions.replaceChildren(save, back);
    const end = () => {
      row.editor = null;
      row.actions.replaceChildren(row.amend, row.cancel);
      if (this.orders.has(orderId)) this.#fill(row, this.orders.get(orderId));
      row.amend.focus();
    };
    save.addEventListener("click", () => this.#amend(row, orderId, save, end));
    back.addEventListener("click", end);
    (price ?? quantity).select();
    (price ?? quantity).focus();
  }

  async #amend(row, orderId, button, end) {
    const order = this.orders.get(orderId);
    const quantity = parseNumber(row.editor.quantity.value, 0);
    const price = row.editor.price && parseNumber(row.editor.price.value, this.decimalsOf(order?.symbol));
    if (!order || quantity === null || (row.editor.price && price === null)) {
      this.toasts.show({ kind: "bad", title: "Not amended", detail: "Type a price with a decimal comma and a whole number of shares." });
      return;
    }
    if (quantity === 0 || price === 0) {
      this.toasts.show({ kind: "bad", title: "Not amended", detail: "Price and quantity must be above zero; to end the order, cancel it." });
      return;
    }
    button.disabled = true;
    this.unanswered.delete(orderId);
    try {
      const answer = await this.api.amend(orderId, price === null ? { quantity } : { quantity, price });
      const at = price === null ? "" : ` at R$ ${format.number(price, this.decimalsOf(order.symbol))}`;
      const what = `${sideName(order.side)} ${format.number(quantity)} ${order.symbol}${at}`;
      if (isPending(answer)) this.#tellPending("Change sent", orderId);
      // What traded at once is told by its trades.
      else if (OPEN.has(answer.status)) this.toasts.show({ kind: "info", title: "Order amended", detail: what });
      end();
    } catch (error) {
      button.disabled = false;
      this.toasts.show({ kind: "bad", title: "Not amended", detail: sentence(error.message) });
    }
  }

  async cancel(orderId, button = null) {
    const order = this.orders.get(orderId);
    this.unanswered.delete(orderId);
    if (button) {
      button.disabled = true;
      setText(button, "Canceling…");
    }
    try {
      const answer = await this.api.cancel(orderId);
      const rest = format.number(order?.remaining_quantity);
      if (isPending(answer)) this.#tellPending("Cancel sent", orderId);
      else this.toasts.show({ kind: "info", title: "Order canceled", detail: `${sideName(order?.side)} ${rest} ${order?.symbol}` });
    } catch (error) {
      this.toasts.show({ kind: "bad", title: "Not canceled", detail: sentence(error.message) });
    } finally {
      if (button) {
        button.disabled = false;
        setText(button, "Cancel");
      }
    }
  }

  async cancelAll() {
    if (this.orders.size === 0) {
      this.toasts.show({ kind: "info", title: "Nothing to cancel", detail: "You have no open orders." });
      return;
    }
    this.cancelAllButton.disabled = true;
    try {
      if (isPending(await this.api.cancelAll())) this.#tellPending("Cancel sent");
      else this.toasts.show({ kind: "info", title: "All orders canceled" });
    } catch (error) {
      this.toasts.show({ kind: "bad", title: "Not all canceled", detail: sentence(error.message) });
    } finally {
      this.#draw();
    }
  }

  #tellPending(title, orderId = null) {
    if (this.orders.has(orderId)) this.unanswered.add(orderId);
    this.toasts.show({ kind: "wait", title, detail: "The market has not answered yet: until it does, your orders stand as they are listed." });
  }
}

// Accepted for sending, not done: the market may take its time, and may yet refuse.
function isPending(answer) {
  return answer?.status === "pending";
}

function quietButton(text, label) {
  const button = element("button", "hb-quiet", text);
  button.type = "button";
  button.setAttribute("aria-label", label);
  return button;
}

function numberInput(label, value) {
  const input = element("input", "hb-cell-input");
  input.setAttribute("aria-label", label);
  input.inputMode = "decimal";
  input.maxLength = 16;
  input.value = value;
  return input;
}
