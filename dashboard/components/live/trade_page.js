// The Trade page's panes and what flows into them.
import { Api } from "./api.js";
import { Banner } from "./banner.js";
import { Book } from "./book.js";
import { Chart } from "./chart/chart.js";
import { Series } from "./chart/series.js";
import { Toolbar } from "./chart/toolbar.js";
import { Depth } from "./depth.js";
import { element } from "./dom.js";
import { Feed } from "./feed.js";
import * as format from "./format.js";
import { Header, Strip } from "./header.js";
import { Ladder } from "./ladder.js";
import { Looking } from "./looking.js";
import { OwnPanes } from "./own_panes.js";
import { Preferences } from "./preferences.js";
import { Tabs } from "./tabs.js";
import { Tape } from "./tape.js";
import { fillPrice, TicketKeys } from "./ticket_keys.js";
import { tellTickers } from "./ticket_notes.js";
import { Toasts } from "./toasts.js";

const CANDLES_LOADED = 1000;
const TRADES_LOADED = 60;
// Asked for rather than streamed: every symbol's ticks, for a figure that is glanced at, would be most of what comes in.
const STRIP_PERIOD_MS = 2000;

export class TradePage {
  constructor(parent) {
    this.node = element("div", "hb hb-trade");
    parent.append(this.node);
    this.tickers = new Map();
  }

  show(data, choose) {
    this.choose = choose;
    if (!this.api) this.#build(data);
    this.assets = data.assets;
    this.header.list(data.assets);
    this.own?.orders.list(data.assets);
    if (data.symbol === this.symbol && data.interval === this.interval) return;
    this.#follow(data.symbol, data.interval);
  }

  close() {
    this.closed = true;
    this.looking?.close();
    tellTickers(null);
    this.marketFeed?.close();
    for (const pane of [this.own, this.chart, this.toolbar, this.ladder, this.depth, this.tape, this.banner, this.ticketKeys]) pane?.close();
    this.node.remove();
  }

  #build(data) {
    const choose = (choice) => this.choose(choice);
    this.api = new Api(data.api_port);
    this.preferences = new Preferences(this.api);
    this.book = new Book();
    this.series = new Series();
    this.banner = new Banner(this.node);
    this.toasts = new Toasts(this.node);
    this.strip = new Strip(this.node, choose);
    this.header = new Header(this.node, choose);
    const main = element("div", "hb-main");
    this.node.append(main);
    this.#buildChart(main, data, choose);
    this.#buildBook(main);
    this.tape = new Tape(pane(main, "hb-trades", element("h3", "", "Time and sales")));
    this.ticketKeys = new TicketKeys({
      onCancelAll: () => this.own?.orders.cancelAll(),
      onTrouble: (sentence) => this.toasts.show({ kind: "bad", title: sentence }),
    });
    if (data.user.trades) this.#buildOwn(data.user);
    this.looking = new Looking(() => this.#refreshStrip(), STRIP_PERIOD_MS);
    this.preferences.load().then(({ studies }) => Array.isArray(studies) && this.toolbar.choose(studies));
  }

  #buildOwn(user) {
    const { api, toasts, banner } = this;
    this.own = new OwnPanes(this.node, {
      api,
      user,
      toasts,
      banner,
      onOrders: () => this.#drawOwnOrders(),
      onFills: () => this.#drawOwnFills(),
      onSymbol: (symbol) => this.choose({ symbol }),
    });
  }

  #buildChart(main, data, choose) {
    const section = element("section", "hb-pane hb-chart-pane");
    this.toolbar = new Toolbar(section, {
      intervals: data.intervals,
      onInterval: (interval) => choose({ interval }),
      onStudies: (names, isNew) => {
        this.chart.setStudies(names);
        if (isNew) this.preferences.save("studies", [...names]);
      },
    });
    main.append(section);
    this.chart = new Chart(section, this.series, {
      plotlyUrl: data.plotly_url,
      onCancel: (orderId) => this.own?.orders.cancel(orderId),
    });
  }

  #buildBook(main) {
    const fill = (price) => fillPrice(format.number(price, this.ticketKeys.decimals));
    const section = pane(main, "hb-book");
    this.ladder = new Ladder(section, this.book, fill);
    this.depth = new Depth(section, this.book, fill);
    const tabs = new Tabs("Order book", { "Order book": this.ladder.node, Depth: this.depth.node }, (title) => {
      this.ladder.show(title === "Order book");
      this.depth.show(title === "Depth");
    });
    section.prepend(element("div", "hb-bar", tabs.bar));
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
    this.chart.reset({ symbol, interval, decimals });
    this.toolbar.select(interval);
    if (newSymbol) this.#reset(asset, decimals);
    this.marketFeed = new Feed({
      wish: this.api.market(["trades", "book", `candles:${interval}`, "tickers"], ["trade", "book_snapshot", "book", "candle", "ticker"], symbol),
      load: () => Promise.all([this.api.candles(symbol, interval, CANDLES_LOADED), this.api.trades(symbol, TRADES_LOADED)]),
      onLoaded: ([candles, trades]) => this.#load(candles.candles, trades),
      onEvent: (name, event) => this.#onMarketEvent(name, event),
      onLive: (isLive, sinceMs) => this.banner.setLive("market", isLive, sinceMs),
    });
    this.banner.set("market", false);
  }

  #reset(asset, decimals) {
    this.book.clear();
    this.header.reset(asset);
    this.strip.select(asset.symbol);
    for (const pane of [this.ladder, this.depth, this.tape]) pane.reset(decimals);
    if (this.tickers.has(asset.symbol)) this.header.show(this.tickers.get(asset.symbol));
    this.#drawOwnOrders();
    this.#drawOwnFills();
  }

  #load(candles, trades) {
    this.series.load(candles);
    this.chart.loaded();
    this.tape.load(trades);
    if (trades.length) this.#setLast(trades[0]);
  }

  #setLast(trade) {
    this.header.setLast(trade.price, trade.taker_side);
    this.ladder.setLast(trade.price, trade.taker_side);
    this.chart.setLastPrice(trade.price);
  }

  #onMarketEvent(name, event) {
    if (name === "trade") {
      if (this.tape.add(event)) this.#setLast(event);
    } else if (name === "candle") {
      this.series.apply(event);
      this.chart.redraw.ask();
    } else if (name === "ticker") {
      this.#setTickers([event]);
    } else {
      if (name === "book_snapshot") this.book.replace(event);
      else if (!this.book.apply(event)) return false;
      this.ladder.redraw.ask();
      this.depth.redraw.ask();
    }
    return true;
  }

  #setTickers(tickers) {
    for (const ticker of tickers) {
      this.tickers.set(ticker.symbol, ticker);
      this.strip.show(ticker);
      if (ticker.symbol === this.symbol) this.header.show(ticker);
    }
    tellTickers(this.tickers);
    this.own?.setPrices(tickers);
  }

  #drawOwnOrders() {
    const orders = this.own?.orders.of(this.symbol) ?? [];
    this.chart.setOrders(orders);
    this.ladder.setOwn(orders.map((order) => order.price));
  }

  #drawOwnFills() {
    this.chart.setFills(this.own?.fills.of(this.symbol) ?? []);
  }

  async #refreshStrip() {
    try {
      const tickers = await this.api.assets();
      if (!this.closed) this.#setTickers(tickers);
    } catch {
      // The streams notice the same and the banner says it.
    }
  }
}

function pane(parent, className, ...children) {
  const node = element("section", `hb-pane ${className}`, ...children);
  parent.append(node);
  return node;
}
