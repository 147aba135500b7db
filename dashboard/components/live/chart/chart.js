// Candles, volume and studies, drawn by Plotly; what moves at every tick lies over them as HTML (overlay.js).
import { element, Repainter, setText } from "../dom.js";
import { figure } from "./figure.js";
import { Legend } from "./legend.js";
import { Overlay } from "./overlay.js";
import { startPlotly } from "./plotly.js";

const REDRAW_PERIOD_MS = 100; // a redraw costs 20–30 ms
const CANDLE_WIDTH_PX = 5.5; // of a fresh view
const SHOWN_CANDLES_MIN = 10;
const FRESH_CANDLES_MIN = 40; // fewer would look like bricks
const ROOM_RIGHT = 4; // places kept free right of the newest candle
const WHEEL_REST_MS = 180;
const KEY_STEP = 0.15; // of what is seen
const CONFIG = {
  scrollZoom: true,
  displayModeBar: false,
  doubleClick: false, // codespell:ignore -- Plotly's own spelling
};

export class Chart {
  constructor(parent, series, { plotlyUrl, onCancel }) {
    this.series = series;
    this.studies = new Set();
    this.fills = [];
    this.orders = [];
    this.plot = element("div", "hb-plot");
    this.empty = element("div", "hb-empty", "Loading the chart…");
    this.node = element("div", "hb-chart", this.plot);
    this.node.tabIndex = 0;
    this.node.setAttribute("role", "application");
    this.node.setAttribute("aria-label", "Price chart: arrow keys move it, plus and minus zoom, Home follows the newest candle");
    this.over = new Overlay(this.node, onCancel);
    this.legend = new Legend(this.node);
    this.node.append(this.empty);
    parent.append(this.node);
    this.redraw = new Repainter(() => this.#draw(), REDRAW_PERIOD_MS);
    this.overlay = new Repainter(() => this.#drawOverlay());
    this.crossing = new Repainter(() => this.#drawCross());
    this.#watchPointer();
    this.node.addEventListener("keydown", (event) => this.#onKey(event));
    this.resizing = new ResizeObserver(() => {
      this.legend.forget();
      this.redraw.ask();
    });
    this.resizing.observe(this.node);
    this.scheme = matchMedia("(prefers-color-scheme: light)");
    this.scheme.addEventListener("change", () => this.redraw.ask(), { signal: this.stopWatching.signal });
    this.reset({ symbol: "", interval: "", decimals: 2 });
    this.stopLoading = startPlotly(plotlyUrl, this.empty, (plotly) => {
      this.plotly = plotly;
      this.redraw.ask();
    });
  }

  // Forget the view and the prices: another symbol or interval follows.
  reset({ symbol, interval, decimals }) {
    this.viewName = `${symbol} ${interval}`;
    Object.assign(this, { interval, decimals });
    this.legend.forget();
    this.view = { width: null, right: null }; // width: null fits the pane; right: null follows the newest candle
    this.pointer = null;
    this.lastPrice = null;
    this.isLoading = true;
    this.redraw.ask();
  }

  loaded() {
    this.isLoading = false;
    this.redraw.ask();
  }

  setLastPrice(price) {
    this.lastPrice = price;
    this.overlay.ask();
  }

  setStudies(names) {
    this.studies = new Set(names);
    this.legend.forget();
    this.redraw.ask();
  }

  // One's own trades in the symbol: [{ time_ms, price, side, quantity }].
  setFills(fills) {
    this.fills = fills;
    this.redraw.ask();
  }

  // One's own open orders in the symbol.
  setOrders(orders) {
    this.orders = orders;
    // At once where they are in view; the axis makes room for others near by.
    this.overlay.ask();
    this.redraw.ask();
  }

  close() {
    this.stopLoading();
    this.resizing.disconnect();
    for (const painter of [this.redraw, this.overlay, this.crossing]) painter.close();
    this.stopWatching.abort();
    if (this.drawn) this.plotly.purge(this.plot);
  }

  #watchPointer() {
    this.stopWatching = new AbortController();
    const options = { signal: this.stopWatching.signal, passive: true, capture: true };
    const release = () => {
      this.pressed = false;
      this.redraw.ask();
    };
    const move = (event) => {
      const box = event && this.node.getBoundingClientRect();
      this.pointer = event && { x: event.clientX - box.left, y: event.clientY - box.top };
      this.crossing.ask();
    };
    this.node.addEventListener("pointerdown", (event) => (this.pressed = !event.target.closest("button")), options);
    window.addEventListener("pointerup", release, options);
    window.addEventListener("pointercancel", release, options);
    this.node.addEventListener("pointermove", move, options);
    this.node.addEventListener("pointerleave", () => move(null), { signal: this.stopWatching.signal });
    this.node.addEventListener("wheel", () => {
      this.wheelMs = performance.now();
      setTimeout(() => this.redraw.ask(), WHEEL_REST_MS + 20);
    }, options);
  }

  // Redrawing under a drag or a turning wheel would tear the view out of the person's hand.
  get #inHand() {
    return this.pressed || performance.now() - (this.wheelMs ?? -Infinity) < WHEEL_REST_MS;
  }

  #width() {
    if (this.view.width !== null) return this.view.width;
    const wanted = Math.max(this.series.candles.length + ROOM_RIGHT, FRESH_CANDLES_MIN);
    return Math.min(wanted, Math.max(SHOWN_CANDLES_MIN, this.node.clientWidth / CANDLE_WIDTH_PX));
  }

  #range() {
    const right = this.view.right ?? this.series.end - 1 + ROOM_RIGHT;
    return [right - this.#width(), right];
  }

  #look(left, right) {
    const follows = right >= this.series.end - 1;
    this.view = { width: Math.max(right - left, SHOWN_CANDLES_MIN), right: follows ? null : right };
    this.redraw.ask();
  }

  #onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target !== this.node) return;
    const [left, right] = this.#range();
    const step = (right - left) * KEY_STEP;
    const moves = {
      ArrowLeft: () => this.#look(left - step, right - step),
      ArrowRight: () => this.#look(left + step, right + step),
      "+": () => this.#look(left + step, right),
      "=": () => this.#look(left + step, right),
      "-": () => this.#look(left - step, right),
      Home: () => this.#follow(),
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    moves[event.key]();
  }

  #follow() {
    this.view = { width: null, right: null };
    this.redraw.ask();
  }

  #draw() {
    if (!this.plotly || this.#inHand || this.node.clientWidth === 0) return;
    this.empty.hidden = this.series.candles.length > 0;
    if (!this.empty.hidden) setText(this.empty, this.isLoading ? "Loading the chart…" : "No trades yet: the first one starts the chart.");
    const { clientWidth: width, clientHeight: height } = this.node;
    const { top } = this.legend;
    const { traces, layout, studies, from } = figure({
      series: this.series,
      view: { range: this.#range(), width, height, top, decimals: this.decimals, name: this.viewName, marks: this.#marks() },
      chosen: this.studies,
      fills: this.#placedFills(),
      colours: this.#colours(),
    });
    this.drawnStudies = { studies, from };
    this.plotly.react(this.plot, traces, layout, CONFIG);
    if (!this.drawn) this.#listen();
    this.#drawOverlay();
    this.#drawCross();
    // More figures than before may need more room than this was drawn for.
    if (this.legend.top > top) this.redraw.ask();
  }

  #marks() {
    return this.orders.map((order) => order.price ?? order.stop_price).filter((price) => typeof price === "number");
  }

  #placedFills() {
    const placed = this.fills.map((fill) => ({ ...fill, place: this.series.placeOf(fill.time_ms) }));
    return placed.filter(({ place }) => place !== null);
  }

  #listen() {
    this.drawn = true;
    this.plot.on("plotly_relayout", (change) => {
      const left = change["xaxis.range[0]"] ?? change["xaxis.range"]?.[0];
      const right = change["xaxis.range[1]"] ?? change["xaxis.range"]?.[1];
      if (left !== undefined && right !== undefined) this.#look(left, right);
    });
    this.plot.on("plotly_doubleclick", () => this.#follow());
  }

  #colours() {
    const style = getComputedStyle(this.node);
    const colour = (name) => style.getPropertyValue(name).trim();
    return {
      up: colour("--hb-up"),
      down: colour("--hb-down"),
      grid: colour("--hb-grid"),
      text: colour("--hb-dim"),
      pane: colour("--hb-pane"),
      band: colour("--hb-band"),
      family: style.fontFamily,
    };
  }

  #axes() {
    const drawn = this.drawn ? this.plot._fullLayout : null;
    return { price: drawn?.yaxis, time: drawn?.xaxis };
  }

  #drawOverlay() {
    const { price: axis } = this.#axes();
    const price = this.lastPrice ?? this.series.last?.close ?? null;
    const rising = !this.series.last || price >= this.series.last.open;
    this.over.drawLast(axis, price, { decimals: this.decimals, rising });
    this.over.drawOrders(axis, this.orders, this.decimals);
  }

  #drawCross() {
    const { price, time } = this.#axes();
    if (this.pointer && price && !this.pressed) {
      const place = Math.round(time.p2l(this.pointer.x - time._offset));
      this.hovered = place;
      this.over.drawCross(price, { ...this.pointer, place, timeMs: this.series.at(place)?.time_ms, decimals: this.decimals, xAxis: time });
    } else {
      this.hovered = null;
      this.over.hideCross();
    }
    this.#drawLegend();
  }

  #drawLegend() {
    const place = this.hovered !== null && this.series.at(this.hovered) ? this.hovered : this.series.end - 1;
    const { studies, from } = this.drawnStudies ?? { studies: [], from: 0 };
    const drawn = this.drawn ? this.plot._fullLayout : {};
    const panes = studies.filter(({ pane }) => pane);
    this.legend.draw({
      candle: this.series.at(place),
      place,
      decimals: this.decimals,
      interval: this.interval,
      studies,
      from,
      axes: panes.map((_, index) => drawn[`yaxis${3 + index}`]),
    });
  }
}
