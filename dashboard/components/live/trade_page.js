// The Trade page's panes and what flows into them.
import { Account } from "./account.js";
import { Api } from "./api.js";
import { Banner } from "./banner.js";
import { Book } from "./book.js";
import { Chart } from "./chart.js";
import { element } from "./dom.js";
import { Feed } from "./feed.js";
import * as format from "./format.js";
import { Header, Strip } from "./header.js";
import { Holdings } from "./holdings.js";
import { Ladder } from "./ladder.js";
import { Orders } from "./orders.js";
import { Series } from "./series.js";
import { Tape } from "./tape.js";
import { Toasts } from "./toasts.js";
import { fillPrice, TicketKeys } from "./ticket_keys.js";
import { Visitor } from "./visitor.js";
import { executionToast } from "./words.js";

const CANDLES_LOADED = 1000;
const TRADES_LOADED = 60;
// A browser opens six connections to a server, and every open page holds two streams: the other symbols are asked.
const STRIP_PERIOD_MS = 2000;

export class TradePage {
  constructor(parent) {
    this.node = element("div", "hb hb-trade");
    parent.append(this.node);
  }

  show(data, choose) {
    this.choose = choose;
    if (!this.api) this.#build(data);
    this.assets = data.assets;
    this.header.list(data.assets);
    this.orders?.list(data.assets);
    if (data.symbol === this.symbol && data.interval === this.interval) return;
    this.#follow(data.symbol, data.interval);
  }

  close() {
    this.closed = true;
    clearTimeout(this.stripTimer);
    this.marketFeed?.close();
    this.accountFeed?.close();
    for (const pane of [this.chart, this.ladder, this.tape, this.banner, this.ticketKeys]) pane?.close();
    this.node.remove();
  }

  #build(data) {
    const choose = (choice) => this.choose(choice);
    this.api = new Api(data.api_port);
    this.book = new Book();
    this.series = new Series();
    this.banner = new Banner(this.node);
    this.toasts = new Toasts(this.node);
    this.strip = new Strip(this.node, choose);
    this.header = new Header(this.node, choose);
    const main = element("div", "hb-main");
    this.node.append(main);
    this.#buildChart(main, data, choose);
    this.ladder = new Ladder(pane(main, "hb-book", "Order book"), this.book, (price) => this.#fillTicket(price));
    this.tape = new Tape(pane(main, "hb-trades", "Trades"));
    this.ticketKeys = new TicketKeys();
    if (data.user.trades) this.#buildOwn(data);
    this.#refreshStrip();
  }

  #buildOwn(data) {
    const bottom = element("div", "hb-bottom");
    this.node.append(bottom);
    this.orders = new Orders(bottom, { api: this.api, toasts: this.toasts });
    this.holdings = new Holdings();
    this.account = new Account(bottom, this.holdings);
    this.visitor = new Visitor(this.api, data.user);
    this.#followAccount();
  }

  #fillTicket(price) {
    fillPrice(format.number(price, this.ticketKeys.decimals));
  }

  #buildChart(main, data, choose) {
    const section = element("section", "hb-pane hb-chart-pane");
    const bar = element("div", "hb-intervals");
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Interval");
    this.intervalButtons = data.intervals.map((interval) => {
      const button = element("button", "", interval);
      button.type = "button";
      button.addEventListener("click", () => choose({ interval }));
      return button;
    });
    bar.append(...this.intervalButtons);
    section.append(bar);
    main.append(section);
    this.chart = new Chart(section, this.series, data.plotly_url);
  }

  #follow(symbol, interval) {
    const asset = this.assets.find((candidate) => candidate.symbol === symbol);
    const decimals = format.decimalsOf(asset.tick_size);
    this.ticketKeys.follow(asset);
    const newSymbol = symbol !== this.symbol;
    this.symbol = symbol;
    this.interval = interval;
    this.marketFeed?.close();
    this.series.load([]);
    this.chart.reset(`${symbol} ${interval}`, decimals);
    for (const button of this.intervalButtons) {
      button.setAttribute("aria-pressed", String(button.textContent === interval));
    }
    if (newSymbol) {
      this.book.clear();
      this.header.reset(asset);
      this.strip.select(symbol);
      this.ladder.reset(decimals);
      this.tape.reset(decimals);
      if (this.tickers?.has(symbol)) this.header.show(this.tickers.get(symbol));
    }
    this.marketFeed = new Feed({
      url: this.api.streamUrl(["trades", "book", `candles:${interval}`, "tickers"], symbol),
      events: ["trade", "book_snapshot", "book", "candle", "ticker"],
      load: () => Promise.all([this.api.candles(symbol, interval, CANDLES_LOADED), this.api.trades(symbol, TRADES_LOADED)]),
      onLoaded: ([candles, trades]) => this.#load(candles.candles, trades),
      onEvent: (name, event) => event.symbol !== symbol || this.#onMarketEvent(name, event),
      onLive: (isLive) => this.banner.set("market", isLive),
    });
    this.banner.set("market", false);
  }

  #load(candles, trades) {
    this.series.load(candles);
    this.chart.redraw.ask();
    this.tape.load(trades);
    if (trades.length) this.#setLast(trades[0]);
  }

  #setLast(trade) {
    this.header.setLast(trade.price, trade.taker_side);
    this.ladder.setLast(trade.price, trade.taker_side);
    this.chart.setLastPrice(trade.price, trade.taker_side);
  }

  #onMarketEvent(name, event) {
    if (name === "trade") {
      if (this.tape.add(event)) this.#setLast(event);
    } else if (name === "candle") {
      if (event.interval === this.interval) this.series.apply(event);
      this.chart.redraw.ask();
    } else if (name === "ticker") {
      this.#setTickers([event]);
    } else {
      if (name === "book_snapshot") this.book.replace(event);
      else if (!this.book.apply(event)) return false;
      this.ladder.redraw.ask();
    }
    return true;
  }

  #setTickers(tickers) {
    this.tickers ??= new Map();
    for (const ticker of tickers) {
      this.tickers.set(ticker.symbol, ticker);
      this.strip.show(ticker);
      if (ticker.symbol === this.symbol) this.header.show(ticker);
    }
    this.holdings?.setPrices(tickers);
    if (this.holdings?.account) this.account.draw();
  }

  #followAccount() {
    this.accountFeed = new Feed({
      url: this.api.accountStreamUrl(),
      isOwn: true,
      events: ["orders_snapshot", "account_snapshot", "execution", "account"],
      load: () => this.visitor.confirm(),
      onLoaded: () => {},
      onEvent: (name, event) => this.#onAccountEvent(name, event),
      onLive: (isLive) => this.#onAccountLive(isLive),
    });
    this.banner.set("account", false);
  }

  #onAccountLive(isLive) {
    this.banner.set("account", isLive);
    // A stream that ended may have ended with the session, and a browser does not tell why.
    if (!isLive) this.visitor.confirm().catch(() => {});
  }

  #onAccountEvent(name, event) {
    if (name === "orders_snapshot") this.orders.load(event);
    else if (name === "account_snapshot" || name === "account") {
      if (name === "account") this.holdings.apply(event);
      else this.holdings.load(event);
      this.account.draw();
    } else {
      this.orders.apply(event);
      const toast = executionToast(event);
      if (toast) this.toasts.show(toast);
    }
    return true;
  }

  async #refreshStrip() {
    try {
      if (!document.hidden || !this.tickers) this.#setTickers(await this.api.assets());
    } catch {
      // The streams notice the same and the banner says it.
    }
    if (!this.closed) this.stripTimer = setTimeout(() => this.#refreshStrip(), STRIP_PERIOD_MS);
  }
}

function pane(parent, className, title) {
  const node = element("section", `hb-pane ${className}`, element("h3", "", title));
  parent.append(node);
  return node;
}
