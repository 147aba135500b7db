// All symbols, live: a table, a heat map, who moves. What the person chose of it is saved.
import { Api } from "../api.js";
import { Banner } from "../banner.js";
import { element, Repainter, setText } from "../dom.js";
import { Feed } from "../feed.js";
import { Looking } from "../looking.js";
import { Preferences } from "../preferences.js";
import { HeatMap } from "./heat_map.js";
import { Movers } from "./movers.js";
import { Table } from "./table.js";

const REDRAW_PERIOD_MS = 150;
const SPARK_CANDLES = 96;
const SPARK_PERIOD_MS = 60000;
// One book at a time, so that a market of hundreds asks no more of the server than one of eight.
const BOOK_PERIOD_MS = 250;
const BOOK_LEVELS = 10;
const PREFERENCE = "market";

export class MarketPage {
  constructor(parent) {
    this.node = element("div", "hb hb-market");
    parent.append(this.node);
    this.tickers = new Map();
    this.facts = { sparks: new Map(), imbalance: new Map() };
    this.booksAsked = 0;
    this.chosen = { sort: { column: "Symbol", descending: false }, stars: new Set(), onlyStars: false, filter: "" };
  }

  show(data, choose) {
    this.choose = choose;
    if (this.api) return;
    this.#build(data);
    this.#follow();
    this.books = new Looking(() => this.#refreshBook(), BOOK_PERIOD_MS);
    this.preferences.load().then((saved) => this.#restore(saved[PREFERENCE]));
  }

  close() {
    this.closed = true;
    for (const part of [this.sparks, this.books, this.feed, this.banner, this.redraw, this.heat]) part?.close();
    this.node.remove();
  }

  #build(data) {
    this.api = new Api(data.api_port);
    this.preferences = new Preferences(this.api);
    this.banner = new Banner(this.node);
    const onOpen = (symbol) => this.choose({ symbol });
    this.table = new Table({ onOpen, onStar: (symbol) => this.#star(symbol), onSort: (column) => this.#sort(column) });
    this.heat = new HeatMap(onOpen);
    this.movers = new Movers(onOpen);
    this.summary = element("span", "hb-count", "");
    const head = element("h3", "", "Market", this.summary, this.#controls());
    this.node.append(
      element("section", "hb-pane hb-market-table", head, this.table.node),
      element(
        "div",
        "hb-market-foot",
        element("section", "hb-pane", element("h3", "", "Heat map", element("span", "hb-count", "size: traded today · colour: change")), this.heat.node),
        element("section", "hb-pane", element("h3", "", "Movers"), this.movers.node),
      ),
    );
    this.redraw = new Repainter(() => this.#draw(), REDRAW_PERIOD_MS);
  }

  #controls() {
    this.filter = element("input", "hb-filter");
    this.filter.type = "search";
    this.filter.placeholder = "Filter";
    this.filter.maxLength = 32;
    this.filter.setAttribute("aria-label", "Filter by symbol or name");
    this.filter.addEventListener("input", () => {
      this.chosen.filter = this.filter.value;
      this.redraw.ask();
    });
    this.only = element("button", "hb-quiet", "★ Watchlist");
    this.only.type = "button";
    this.only.addEventListener("click", () => this.#change({ onlyStars: !this.chosen.onlyStars }));
    return element("div", "hb-controls", this.filter, this.only);
  }

  #change(part) {
    Object.assign(this.chosen, part);
    const { sort, stars, onlyStars } = this.chosen;
    this.preferences.save(PREFERENCE, { sort, stars: [...stars], onlyStars });
    this.redraw.ask();
  }

  #restore(saved) {
    if (!saved) return;
    const { sort, stars, onlyStars } = saved;
    if (typeof sort?.column === "string") this.chosen.sort = { column: sort.column, descending: sort.descending === true };
    if (Array.isArray(stars)) this.chosen.stars = new Set(stars);
    this.chosen.onlyStars = onlyStars === true;
    this.redraw.ask();
  }

  #star(symbol) {
    const stars = new Set(this.chosen.stars);
    if (!stars.delete(symbol)) stars.add(symbol);
    this.#change({ stars });
  }

  // Numbers begin with the largest, words with A; again turns it round.
  #sort(column) {
    const { sort } = this.chosen;
    const isWord = ["Symbol", "Name", "Market"].includes(column);
    this.#change({ sort: { column, descending: sort.column === column ? !sort.descending : !isWord } });
  }

  #follow() {
    this.banner.set("market", false);
    this.feed = new Feed({
      wish: this.api.market(["tickers"], ["ticker"]),
      load: () => this.api.assets(),
      onLoaded: (tickers) => {
        for (const ticker of tickers) this.#take(ticker);
        if (this.sparks) this.sparks.again();
        else this.sparks = new Looking(() => this.#refreshSparklines(), SPARK_PERIOD_MS);
      },
      onEvent: (_, ticker) => this.#take(ticker),
      onLive: (isLive, sinceMs) => this.banner.setLive("market", isLive, sinceMs),
    });
  }

  #take(ticker) {
    this.tickers.set(ticker.symbol, ticker);
    this.redraw.ask();
  }

  async #refreshSparklines() {
    for (const symbol of this.tickers.keys()) {
      try {
        const { candles } = await this.api.candles(symbol, "5m", SPARK_CANDLES);
        if (this.closed) return;
        this.facts.sparks.set(symbol, candles.map((candle) => candle.close));
        this.redraw.ask();
      } catch {
        return; // the stream notices the same, and comes back here once it is live again
      }
    }
  }

  // Gives how long the next one has time: in the first round, none.
  async #refreshBook() {
    const symbols = (this.shown ?? []).map(({ symbol }) => symbol);
    if (!symbols.length) return BOOK_PERIOD_MS;
    const turn = this.booksAsked++;
    const symbol = symbols[turn % symbols.length];
    try {
      const { bids, asks } = await this.api.book(symbol, BOOK_LEVELS);
      const shares = (levels) => levels.reduce((sum, [, quantity]) => sum + quantity, 0);
      const [bought, sold] = [shares(bids), shares(asks)];
      if (bought + sold) this.facts.imbalance.set(symbol, bought / (bought + sold));
      else this.facts.imbalance.delete(symbol);
      this.redraw.ask();
      return turn < symbols.length ? 0 : BOOK_PERIOD_MS;
    } catch {
      this.facts.imbalance.clear(); // better none than an old one
      return BOOK_PERIOD_MS;
    }
  }

  #draw() {
    const tickers = [...this.tickers.values()];
    const rising = tickers.filter((ticker) => ticker.change > 0).length;
    const falling = tickers.filter((ticker) => ticker.change < 0).length;
    setText(this.summary, `${tickers.length} symbols · ${rising} up · ${falling} down`);
    this.only.setAttribute("aria-pressed", String(this.chosen.onlyStars));
    this.shown = this.table.draw(tickers, this.chosen, this.facts);
    this.heat.draw(tickers);
    this.movers.draw(tickers);
  }
}
