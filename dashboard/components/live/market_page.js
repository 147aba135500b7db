// All symbols in one table that stays up to date.
import { Api } from "./api.js";
import { Banner } from "./banner.js";
import { element, headings, KeyedRows, Repainter, setClass, setText } from "./dom.js";
import { Feed } from "./feed.js";
import * as format from "./format.js";
import { Sparkline } from "./sparkline.js";

const REDRAW_PERIOD_MS = 150;
const COLUMNS = ["<Symbol", "<Name", "Last", "Change", "Change %", "<Today", "Low", "High", "Volume", "Bid", "Ask", "Spread", "<Market"];
const PHASES = { continuous: "Open", auction: "Auction", halted: "Halted", closed: "Closed" };
const SPARK_CANDLES = 96;

export class MarketPage {
  constructor(parent) {
    this.node = element("div", "hb hb-market");
    parent.append(this.node);
    this.tickers = new Map();
  }

  show(data, choose) {
    this.choose = choose;
    if (this.api) return;
    this.#build(data);
    this.#follow();
  }

  close() {
    this.feed?.close();
    this.banner?.close();
    this.redraw?.close();
    this.node.remove();
  }

  #build(data) {
    this.api = new Api(data.api_port);
    this.banner = new Banner(this.node);
    const body = element("tbody");
    this.summary = element("span", "hb-count", "");
    this.node.append(
      element(
        "section",
        "hb-pane",
        element("h3", "", "Market", this.summary),
        element("div", "hb-scroll", element("table", "hb-table hb-watch", headings(COLUMNS), body)),
      ),
    );
    this.rows = new KeyedRows(body, (ticker) => this.#row(ticker));
    this.redraw = new Repainter(() => this.#draw(), REDRAW_PERIOD_MS);
  }

  #follow() {
    this.banner.set("market", false);
    this.feed = new Feed({
      url: this.api.streamUrl(["tickers"]),
      events: ["ticker"],
      load: () => this.api.assets(),
      onLoaded: (tickers) => {
        for (const ticker of tickers) this.#take(ticker);
        this.#loadSparklines();
      },
      onEvent: (_, ticker) => this.#take(ticker),
      onLive: (isLive) => this.banner.set("market", isLive),
    });
  }

  #take(ticker) {
    this.tickers.set(ticker.symbol, ticker);
    this.redraw.ask();
  }

  async #loadSparklines() {
    for (const symbol of this.tickers.keys()) {
      try {
        const { candles } = await this.api.candles(symbol, "5m", SPARK_CANDLES);
        this.sparks ??= new Map();
        this.sparks.set(symbol, candles.map((candle) => candle.close));
        this.redraw.ask();
      } catch {
        return; // the stream notices the same, and comes back here once it is live again
      }
    }
  }

  #draw() {
    const tickers = [...this.tickers.values()].sort((a, b) => a.symbol.localeCompare(b.symbol));
    const rising = tickers.filter((ticker) => ticker.change > 0).length;
    const falling = tickers.filter((ticker) => ticker.change < 0).length;
    setText(this.summary, `${tickers.length} symbols · ${rising} up · ${falling} down`);
    this.rows.show(tickers, (ticker) => ticker.symbol, (row, ticker) => this.#fill(row, ticker));
  }

  #row(ticker) {
    const cells = COLUMNS.map((name) => element("td", name.startsWith("<") ? "hb-left" : ""));
    const open = element("button", "hb-open", ticker.symbol);
    open.type = "button";
    open.addEventListener("click", () => this.choose({ symbol: ticker.symbol }));
    cells[0].append(open);
    const spark = new Sparkline();
    cells[5].append(spark.node);
    return { node: element("tr", "", ...cells), cells, spark };
  }

  #fill({ node, cells, spark }, ticker) {
    const decimals = format.decimalsOf(ticker.tick_size);
    const price = (value) => format.number(value, decimals);
    const both = ticker.bid !== null && ticker.ask !== null;
    const tone = format.direction(ticker.change);
    const texts = {
      1: ticker.name,
      2: price(ticker.last_price ?? ticker.reference_price),
      3: format.signed(ticker.change, decimals),
      4: format.percent(ticker.change_percent),
      6: price(ticker.low),
      7: price(ticker.high),
      8: format.short(ticker.volume),
      9: price(ticker.bid),
      10: price(ticker.ask),
      11: both ? price(ticker.ask - ticker.bid) : "–",
      12: PHASES[ticker.phase] ?? "",
    };
    for (const [index, text] of Object.entries(texts)) setText(cells[index], text);
    for (const index of [3, 4]) setClass(cells[index], tone);
    this.#flash(node, cells[2], ticker);
    const history = this.sparks?.get(ticker.symbol);
    if (history) spark.draw([...history, ticker.last_price ?? history.at(-1)], ticker.change);
  }

  #flash(node, cell, ticker) {
    const before = node.lastPrice;
    node.lastPrice = ticker.last_price;
    if (before === undefined || before === ticker.last_price) return;
    cell.getAnimations().forEach((animation) => animation.cancel());
    const tone = ticker.last_price > before ? "--hb-up-soft" : "--hb-down-soft";
    cell.animate([{ backgroundColor: getComputedStyle(cell).getPropertyValue(tone) }, { backgroundColor: "transparent" }], 700);
  }
}
