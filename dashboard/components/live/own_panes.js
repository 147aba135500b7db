// What is one's own on the Trade page: open orders, fills, positions; by the account's stream.
import { Account } from "./account.js";
import { element } from "./dom.js";
import { Feed } from "./feed.js";
import { Fills } from "./fills.js";
import { Holdings } from "./holdings.js";
import { Orders } from "./orders.js";
import { Tabs } from "./tabs.js";
import { tellMeans } from "./ticket_notes.js";
import { Visitor } from "./visitor.js";
import { addTrade, executionToast } from "./words.js";

const FILLS_LOADED = 300;
const FILLS_RETRY_MS = 3000;

export class OwnPanes {
  // onOrders(orders), onFills() when they have changed.
  constructor(parent, { api, user, toasts, banner, onOrders, onFills, onSymbol }) {
    Object.assign(this, { api, toasts, banner, onFills });
    const bottom = element("div", "hb-bottom");
    this.traded = new Map();
    this.holdings = new Holdings();
    this.fills = new Fills((symbol) => this.orders.decimalsOf(symbol));
    this.orders = new Orders({
      api,
      toasts,
      onSymbol,
      onChanged: (orders) => {
        this.tabs?.count("Open orders", String(orders.length));
        onOrders(orders);
      },
    });
    this.tabs = new Tabs("Orders and fills", { "Open orders": this.orders.node, "My trades": this.fills.node });
    const head = element("div", "hb-bar", this.tabs.bar, this.orders.cancelAllButton);
    bottom.append(element("section", "hb-pane hb-own-orders", head, this.orders.node, this.fills.node));
    this.account = new Account(bottom, this.holdings, onSymbol);
    parent.append(bottom);
    this.visitor = new Visitor(api, user);
    this.#follow();
    this.#loadFills();
  }

  setPrices(tickers) {
    this.holdings.setPrices(tickers);
    if (this.holdings.account) this.account.draw();
  }

  close() {
    this.closed = true;
    tellMeans(null);
    clearTimeout(this.fillsTimer);
    this.feed.close();
  }

  #follow() {
    this.banner.set("account", false);
    this.feed = new Feed({
      wish: this.api.account(this.visitor.user, ["orders_snapshot", "account_snapshot", "execution", "account"]),
      load: () => this.visitor.confirm(),
      onLoaded: () => {},
      onEvent: (name, event) => this.#onEvent(name, event),
      onLive: (isLive, sinceMs) => this.#onLive(isLive, sinceMs),
    });
  }

  #onLive(isLive, sinceMs) {
    this.banner.setLive("account", isLive, sinceMs);
    // A stream that ended may have ended with the session, and a browser does not tell why.
    if (!isLive) this.visitor.confirm().catch(() => {});
    // What happened while there was no stream is in the history.
    else if (this.hasBeenLive) this.#loadFills();
    this.hasBeenLive ||= isLive;
  }

  #onEvent(name, event) {
    if (name === "orders_snapshot") this.orders.load(event);
    else if (name === "execution") this.#onExecution(event);
    else {
      if (name === "account") this.holdings.apply(event);
      else this.holdings.load(event);
      this.account.draw();
      tellMeans(this.holdings);
    }
    return true;
  }

  #onExecution(execution) {
    if (this.orders.isRefusedChange(execution)) {
      this.orders.tellRefusedChange(execution);
      return;
    }
    this.orders.apply(execution);
    if (execution.execution_type === "trade") {
      this.fills.apply(execution);
      this.onFills();
    }
    this.#tell(execution);
  }

  // An order that trades in many pieces is one message that adds up for as long as it is on the screen.
  #tell(execution) {
    if (execution.execution_type !== "trade") {
      const toast = executionToast(execution);
      if (toast) this.toasts.show(toast);
      return;
    }
    const key = execution.order_id;
    const traded = addTrade(this.toasts.has(key) ? this.traded.get(key) : null, execution);
    for (const told of this.traded.keys()) if (!this.toasts.has(told)) this.traded.delete(told);
    this.traded.set(key, traded);
    this.toasts.show({ ...executionToast(execution, traded), key });
  }

  async #loadFills() {
    clearTimeout(this.fillsTimer);
    try {
      const { executions } = await this.api.fills(FILLS_LOADED);
      if (this.closed) return;
      this.fills.load(executions);
      this.onFills();
    } catch {
      if (!this.closed) this.fillsTimer = setTimeout(() => this.#loadFills(), FILLS_RETRY_MS);
    }
  }
}
