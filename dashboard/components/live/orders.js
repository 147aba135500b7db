// My open orders, each with a Cancel button.
import { element, headings, KeyedRows, setClass, setText } from "./dom.js";
import * as format from "./format.js";
import { sentence, sideName, typeName } from "./words.js";

const OPEN = new Set(["pending_trigger", "new", "partially_filled"]);

export class Orders {
  constructor(parent, { api, toasts }) {
    this.api = api;
    this.toasts = toasts;
    this.decimalsBySymbol = new Map();
    this.count = element("span", "hb-count", "0");
    this.cancelAll = element("button", "hb-quiet", "Cancel all");
    this.cancelAll.type = "button";
    this.cancelAll.addEventListener("click", () => this.#cancelAll());
    const body = element("tbody");
    const names = ["<Time", "<Symbol", "<Side", "<Type", "Price", "Quantity", "Filled", ""];
    this.empty = element("p", "hb-none", "No open orders. What you send from the ticket waits here until it is filled.");
    this.node = element(
      "section",
      "hb-pane hb-orders",
      element("h3", "", "My orders", this.count, this.cancelAll),
      element("div", "hb-scroll", element("table", "hb-table", headings(names), body), this.empty),
    );
    parent.append(this.node);
    this.rows = new KeyedRows(body, (order) => this.#row(order));
    this.load([]);
  }

  list(assets) {
    for (const asset of assets) this.decimalsBySymbol.set(asset.symbol, format.decimalsOf(asset.tick_size));
  }

  load(orders) {
    this.orders = new Map(orders.map((order) => [order.order_id, { ...order, time_ms: order.created_ms }]));
    this.#draw();
  }

  apply(execution) {
    const known = this.orders.get(execution.order_id);
    // A refused cancel or amend is answered on the order's id too, and leaves the order as it was.
    if (execution.execution_type === "rejected" && known) return;
    if (OPEN.has(execution.status)) {
      this.orders.set(execution.order_id, { ...execution, time_ms: known?.time_ms ?? execution.time_ms });
    } else {
      this.orders.delete(execution.order_id);
    }
    this.#draw();
  }

  #draw() {
    const orders = [...this.orders.values()].sort((a, b) => b.time_ms - a.time_ms);
    setText(this.count, String(orders.length));
    this.cancelAll.disabled = orders.length === 0;
    this.empty.hidden = orders.length > 0;
    this.rows.show(orders, (order) => order.order_id, (row, order) => this.#fill(row, order));
  }

  #row(order) {
    const cells = Array.from({ length: 7 }, (_, index) => element("td", index < 4 ? "hb-left" : ""));
    const button = element("button", "hb-quiet", "Cancel");
    button.type = "button";
    button.setAttribute("aria-label", `Cancel ${sideName(order.side)} ${order.symbol}`);
    button.addEventListener("click", () => this.#cancel(order.order_id, button));
    return { node: element("tr", "", ...cells, element("td", "", button)), cells };
  }

  #fill({ cells }, order) {
    const decimals = this.decimalsBySymbol.get(order.symbol) ?? 2;
    const texts = [
      format.time(order.time_ms),
      order.symbol,
      sideName(order.side),
      typeName(order.type),
      format.number(order.price, decimals),
      format.number(order.quantity),
      format.number(order.filled_quantity),
    ];
    texts.forEach((text, index) => setText(cells[index], text));
    setClass(cells[2], `hb-left ${order.side === "buy" ? "hb-up" : "hb-down"}`);
  }

  async #cancel(orderId, button) {
    const order = this.orders.get(orderId);
    button.disabled = true;
    setText(button, "Canceling…");
    try {
      await this.api.cancel(orderId);
      const rest = format.number(order?.remaining_quantity);
      this.toasts.show({ kind: "info", title: "Order canceled", detail: `${sideName(order?.side)} ${rest} ${order?.symbol}` });
    } catch (error) {
      this.toasts.show({ kind: "bad", title: "Not canceled", detail: sentence(error.message) });
    } finally {
      button.disabled = false;
      setText(button, "Cancel");
    }
  }

  async #cancelAll() {
    this.cancelAll.disabled = true;
    try {
      await this.api.cancelAll();
      this.toasts.show({ kind: "info", title: "All orders canceled" });
    } catch (error) {
      this.toasts.show({ kind: "bad", title: "Not all canceled", detail: sentence(error.message) });
    } finally {
      this.#draw();
    }
  }
}
