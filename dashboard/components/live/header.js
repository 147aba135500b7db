// The symbol's figures of the day, and the strip of all symbols above them.
import { element, Figures, setClass, setText } from "./dom.js";
import * as format from "./format.js";
import { phaseName } from "./words.js";

export class Header {
  constructor(parent, choose) {
    this.decimals = 2;
    this.picker = element("select", "hb-symbol");
    this.picker.setAttribute("aria-label", "Symbol");
    this.picker.addEventListener("change", () => choose({ symbol: this.picker.value }));
    this.name = element("span", "hb-name");
    this.phase = element("span", "hb-phase");
    this.last = element("b", "hb-last");
    this.change = element("span", "hb-change");
    this.figures = new Figures("hb-day", ["Open", "High", "Low", "Volume", "Bid", "Ask"]);
    const title = element("div", "hb-title", this.picker, element("div", "", this.name, this.phase));
    const price = element("div", "hb-price", this.last, this.change);
    this.node = element("div", "hb-header", title, price, this.figures.node);
    parent.append(this.node);
  }

  list(assets) {
    const symbols = assets.map((asset) => asset.symbol);
    if (symbols.join() === this.listed) return;
    this.listed = symbols.join();
    this.picker.replaceChildren(...assets.map((asset) => new Option(asset.symbol, asset.symbol)));
  }

  reset(asset) {
    this.decimals = format.decimalsOf(asset.tick_size);
    this.picker.value = asset.symbol;
    setText(this.name, asset.name);
    this.show({ symbol: asset.symbol });
  }

  setLast(price, takerSide) {
    setText(this.last, format.number(price, this.decimals));
    setClass(this.last, `hb-last ${takerSide === "buy" ? "hb-up" : "hb-down"}`);
  }

  show(ticker) {
    const price = (value) => format.number(value, this.decimals);
    setText(this.last, price(ticker.last_price));
    setText(this.change, `${format.signed(ticker.change, this.decimals)}  ${format.percent(ticker.change_percent)}`);
    setClass(this.change, `hb-change ${format.direction(ticker.change)}`);
    setText(this.phase, phaseName(ticker.phase));
    setClass(this.phase, `hb-phase hb-phase-${phaseName(ticker.phase) ? ticker.phase : "closed"}`);
    const values = {
      Open: price(ticker.open),
      High: price(ticker.high),
      Low: price(ticker.low),
      Volume: format.short(ticker.volume),
      Bid: price(ticker.bid),
      Ask: price(ticker.ask),
    };
    for (const [name, text] of Object.entries(values)) this.figures.show(name, text);
  }
}

export class Strip {
  constructor(parent, choose) {
    this.choose = choose;
    this.buttons = new Map();
    this.node = element("nav", "hb-strip");
    this.node.setAttribute("aria-label", "Symbols");
    parent.append(this.node);
  }

  select(symbol) {
    this.selected = symbol;
    for (const [name, { node }] of this.buttons) node.setAttribute("aria-current", String(name === symbol));
  }

  show(ticker) {
    const { symbol } = ticker;
    if (!this.buttons.has(symbol)) this.#add(symbol);
    const { last, change } = this.buttons.get(symbol);
    setText(last, format.number(ticker.last_price ?? ticker.reference_price, format.decimalsOf(ticker.tick_size)));
    setText(change, format.percent(ticker.change_percent));
    setClass(change, format.direction(ticker.change_percent));
  }

  #add(symbol) {
    const last = element("span");
    const change = element("i");
    const node = element("button", "", element("b", "", symbol), last, change);
    node.type = "button";
    node.setAttribute("aria-current", String(symbol === this.selected));
    node.addEventListener("click", () => this.choose({ symbol }));
    this.buttons.set(symbol, { node, last, change });
    this.node.append(node);
  }
}
