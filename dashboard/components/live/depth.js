// The book as two hills: how many shares there are up to each price.
import { element, Repainter, setText } from "./dom.js";
import * as format from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const REDRAW_PERIOD_MS = 200;
const LEVELS_MAX = 60;
const FOOT_PX = 20;

export class Depth {
  constructor(parent, book, onPrice) {
    this.book = book;
    this.decimals = 2;
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("role", "img");
    this.svg.setAttribute("aria-label", "Depth chart");
    this.paths = Object.fromEntries(["bids", "asks"].map((side) => [side, this.#path(`hb-depth-${side}`)]));
    this.low = element("span");
    this.middle = element("span");
    this.high = element("span");
    this.told = element("div", "hb-depth-told");
    this.node = element("div", "hb-depth", this.svg, this.told, element("div", "hb-depth-foot", this.low, this.middle, this.high));
    this.node.hidden = true;
    parent.append(this.node);
    this.redraw = new Repainter(() => this.#draw(), REDRAW_PERIOD_MS);
    this.resizing = new ResizeObserver(() => this.redraw.ask());
    this.resizing.observe(this.node);
    this.node.addEventListener("pointermove", (event) => this.#tell(event));
    this.node.addEventListener("pointerleave", () => setText(this.told, ""));
    this.node.addEventListener("click", (event) => {
      const level = this.#levelAt(event);
      if (level) onPrice(level.price);
    });
  }

  show(isShown) {
    this.node.hidden = !isShown;
    this.redraw.ask();
  }

  reset(decimals) {
    this.decimals = decimals;
    this.redraw.ask();
  }

  close() {
    this.resizing.disconnect();
    this.redraw.close();
  }

  #path(className) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", className);
    this.svg.append(path);
    return path;
  }

  #draw() {
    if (this.node.hidden) return;
    this.bids = this.book.best("bids", LEVELS_MAX);
    this.asks = this.book.best("asks", LEVELS_MAX);
    const middle = ((this.bids[0]?.price ?? this.asks[0]?.price ?? 0) + (this.asks[0]?.price ?? this.bids[0]?.price ?? 0)) / 2;
    // The same reach to both sides, so that the hills can be compared.
    this.reach = Math.max(1e-9, middle - (this.bids.at(-1)?.price ?? middle), (this.asks.at(-1)?.price ?? middle) - middle);
    this.from = middle - this.reach;
    const most = Math.max(1, this.bids.at(-1)?.total ?? 0, this.asks.at(-1)?.total ?? 0);
    const width = this.node.clientWidth;
    const height = this.node.clientHeight - FOOT_PX;
    this.svg.setAttribute("viewBox", `0 0 ${Math.max(1, width)} ${Math.max(1, height)}`);
    const x = (price) => (((price - this.from) / (2 * this.reach)) * width).toFixed(1);
    const y = (total) => (height - (total / most) * (height - 22)).toFixed(1);
    this.paths.bids.setAttribute("d", hill(this.bids, x, y, height, 0));
    this.paths.asks.setAttribute("d", hill(this.asks, x, y, height, width));
    setText(this.low, format.number(this.from, this.decimals));
    setText(this.middle, format.number(middle, this.decimals));
    setText(this.high, format.number(this.from + 2 * this.reach, this.decimals));
  }

  #levelAt(event) {
    const box = this.node.getBoundingClientRect();
    const price = this.from + ((event.clientX - box.left) / box.width) * 2 * this.reach;
    const isBid = price < this.from + this.reach;
    const levels = (isBid ? this.bids : this.asks) ?? [];
    return levels.findLast((level) => (isBid ? level.price >= price : level.price <= price));
  }

  #tell(event) {
    const level = this.#levelAt(event);
    setText(this.told, level ? `${format.number(level.total)} up to ${format.number(level.price, this.decimals)}` : "");
  }
}

// Steps: up to a level's price there are as many shares as up to the one before it.
function hill(levels, x, y, height, end) {
  if (!levels.length) return "";
  const parts = [`M ${x(levels[0].price)} ${height}`];
  let before = height;
  for (const level of levels) {
    parts.push(`L ${x(level.price)} ${before}`, `L ${x(level.price)} ${(before = y(level.total))}`);
  }
  parts.push(`L ${end} ${before}`, `L ${end} ${height}`, "Z");
  return parts.join(" ");
}
