// Candles and volume, drawn by Plotly; the last price and the figures of a candle lie over it as HTML.
import { axisTicks } from "./chart_ticks.js";
import { element, Repainter, setClass, setText } from "./dom.js";
import * as format from "./format.js";
import { loadPlotly } from "./plotly.js";

const REDRAW_PERIOD_MS = 100; // a redraw costs 20–30 ms
const CANDLE_WIDTH_PX = 5.5; // of a fresh view
const SHOWN_CANDLES_MIN = 10;
const FRESH_CANDLES_MIN = 40; // fewer would look like bricks
const ROOM_RIGHT = 4; // places kept free right of the newest candle
const WHEEL_REST_MS = 180;
const TICK_WIDTH_PX = 86;
const MARGIN = { l: 2, r: 62, t: 6, b: 20 };

export class Chart {
  constructor(parent, series, plotlyUrl) {
    this.series = series;
    this.decimals = 2;
    this.plot = element("div", "hb-plot");
    this.figures = element("div", "hb-figures");
    this.lastLine = element("div", "hb-last-line");
    this.lastLabel = element("div", "hb-last-label");
    this.empty = element("div", "hb-empty", "Loading the chart…");
    this.node = element("div", "hb-chart", this.plot, this.lastLine, this.lastLabel, this.figures, this.empty);
    parent.append(this.node);
    this.redraw = new Repainter(() => this.#draw(), REDRAW_PERIOD_MS);
    this.overlay = new Repainter(() => this.#drawLastPrice());
    this.#watchPointer();
    this.resizing = new ResizeObserver(() => this.redraw.ask());
    this.resizing.observe(this.node);
    this.reset("", 2);
    this.#start(plotlyUrl);
  }

  async #start(plotlyUrl) {
    try {
      this.plotly = await loadPlotly(plotlyUrl);
      this.redraw.ask();
    } catch {
      setText(this.empty, "The chart's script did not load. Trying again…");
      this.startTimer = setTimeout(() => this.#start(plotlyUrl), 3000);
    }
  }

  // Forget the view and the prices: another symbol or interval follows.
  reset(viewName, decimals) {
    this.viewName = viewName;
    this.decimals = decimals;
    this.view = { width: null, right: null }; // width: null fits the pane; right: null follows the newest candle
    this.hovered = null;
    this.lastPrice = null;
    this.redraw.ask();
  }

  setLastPrice(price, takerSide) {
    this.lastPrice = price;
    this.lastSide = takerSide;
    this.overlay.ask();
  }

  close() {
    clearTimeout(this.startTimer);
    this.resizing.disconnect();
    this.redraw.close();
    this.overlay.close();
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
    this.node.addEventListener("pointerdown", () => (this.pressed = true), options);
    window.addEventListener("pointerup", release, options);
    window.addEventListener("pointercancel", release, options);
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

  #draw() {
    if (!this.plotly || this.#inHand || this.node.clientWidth === 0) return;
    this.empty.hidden = this.series.candles.length > 0;
    if (!this.empty.hidden) setText(this.empty, this.viewName ? "No trades yet." : "Loading the chart…");
    const range = this.#range();
    const from = Math.floor(range[0] - this.#width());
    const shown = this.series.slice(from, Math.ceil(range[1] + this.#width()));
    const place = Math.max(from, this.series.first);
    this.plotly.react(this.plot, this.#traces(shown, place), this.#layout(range), {
      scrollZoom: true,
      displayModeBar: false,
      doubleClick: false, // codespell:ignore -- Plotly's own spelling
    });
    if (!this.drawn) this.#listen();
    this.#drawLastPrice();
    this.#drawFigures();
  }

  #listen() {
    this.drawn = true;
    this.plot.on("plotly_relayout", (change) => {
      const left = change["xaxis.range[0]"] ?? change["xaxis.range"]?.[0];
      const right = change["xaxis.range[1]"] ?? change["xaxis.range"]?.[1];
      if (left === undefined || right === undefined) return;
      const follows = right >= this.series.end - 1;
      this.view = { width: Math.max(right - left, SHOWN_CANDLES_MIN), right: follows ? null : right };
      this.redraw.ask();
    });
    this.plot.on("plotly_doubleclick", () => {
      this.view = { width: null, right: null };
      this.redraw.ask();
    });
    this.plot.on("plotly_hover", ({ points }) => {
      this.hovered = points[0].x;
      this.#drawFigures();
    });
    this.plot.on("plotly_unhover", () => {
      this.hovered = null;
      this.#drawFigures();
    });
  }

  #colours() {
    const style = getComputedStyle(this.node);
    const colour = (name) => style.getPropertyValue(name).trim();
    return { up: colour("--hb-up"), down: colour("--hb-down"), grid: colour("--hb-grid"), text: colour("--hb-dim"), pane: colour("--hb-pane") };
  }

  #traces(candles, place) {
    const colours = this.#colours();
    const x = candles.map((_, index) => place + index);
    const pick = (name) => candles.map((candle) => candle[name]);
    const side = (colour) => ({ line: { color: colour, width: 1 }, fillcolor: colour });
    return [
      {
        type: "candlestick",
        x,
        open: pick("open"),
        high: pick("high"),
        low: pick("low"),
        close: pick("close"),
        increasing: side(colours.up),
        decreasing: side(colours.down),
        hoverinfo: "none",
      },
      {
        type: "bar",
        x,
        y: pick("volume"),
        yaxis: "y2",
        marker: {
          color: candles.map((candle) => (candle.close >= candle.open ? colours.up : colours.down)),
          opacity: 0.45,
          line: { width: 0 },
        },
        hoverinfo: "none",
      },
    ];
  }

  #layout(range) {
    const colours = this.#colours();
    const inView = this.series.slice(Math.floor(range[0]), Math.ceil(range[1]) + 1);
    const ticks = axisTicks(this.series, range, Math.max(2, this.node.clientWidth / TICK_WIDTH_PX));
    const spike = {
      showspikes: true,
      spikemode: "across",
      spikesnap: "cursor",
      spikethickness: 1,
      spikedash: "dot",
      spikecolor: colours.text,
    };
    const line = { gridcolor: colours.grid, zeroline: false, tickfont: { size: 10.5, color: colours.text } };
    return {
      width: this.node.clientWidth,
      height: this.node.clientHeight,
      margin: MARGIN,
      paper_bgcolor: colours.pane,
      plot_bgcolor: colours.pane, // Plotly picks what lies under a spike line by it
      font: { family: "inherit", color: colours.text },
      separators: ",.",
      uirevision: this.viewName,
      showlegend: false,
      dragmode: "pan",
      hovermode: "x",
      hoverdistance: 200,
      spikedistance: -1,
      bargap: 0.3,
      xaxis: { ...line, ...spike, anchor: "y2", range, autorange: false, rangeslider: { visible: false }, tickmode: "array", ...ticks },
      yaxis: {
        ...line,
        ...spike,
        side: "right",
        domain: [0.22, 1],
        fixedrange: true,
        range: priceRange(inView),
        nticks: Math.max(3, Math.floor(this.node.clientHeight / 46)),
        tickformat: `,.${this.decimals}f`,
      },
      yaxis2: {
        side: "right",
        domain: [0, 0.19],
        fixedrange: true,
        showgrid: false,
        zeroline: false,
        showticklabels: false,
        range: [0, Math.max(1, ...inView.map((candle) => candle.volume)) * 1.05],
      },
    };
  }

  #drawLastPrice() {
    const axis = this.drawn ? this.plot._fullLayout?.yaxis : null;
    const price = this.lastPrice ?? this.series.last?.close ?? null;
    const pixel = axis && price !== null ? axis._offset + axis.l2p(price) : NaN;
    const shown = pixel >= axis?._offset && pixel <= axis._offset + axis._length;
    this.lastLine.hidden = this.lastLabel.hidden = !shown;
    if (!shown) return;
    const candle = this.series.last;
    const tone = candle && price < candle.open ? "hb-falling" : "hb-rising";
    setClass(this.lastLine, `hb-last-line ${tone}`);
    setClass(this.lastLabel, `hb-last-label ${tone}`);
    setText(this.lastLabel, format.number(price, this.decimals));
    this.lastLine.style.transform = this.lastLabel.style.transform = `translateY(${pixel}px)`;
  }

  #drawFigures() {
    const candle = (this.hovered !== null && this.series.at(this.hovered)) || this.series.last;
    if (!candle) {
      this.figures.replaceChildren();
      return;
    }
    const change = candle.close - candle.open;
    const tone = format.direction(change);
    const parts = [["", format.dayAndMinute(candle.time_ms), ""]];
    for (const [name, letter] of [["open", "O"], ["high", "H"], ["low", "L"], ["close", "C"]]) {
      parts.push([letter, format.number(candle[name], this.decimals), tone]);
    }
    parts.push(["", `${format.signed(change, this.decimals)} (${format.percent((change / candle.open) * 100)})`, tone]);
    parts.push(["Vol", format.short(candle.volume), ""]);
    while (this.figures.childElementCount < parts.length) {
      this.figures.append(element("span", "", element("i"), element("b")));
    }
    parts.forEach(([name, text, className], index) => {
      const [label, value] = this.figures.children[index].children;
      setText(label, name);
      setText(value, text);
      setClass(value, className);
    });
  }
}

function priceRange(candles) {
  if (!candles.length) return [0, 1];
  const low = Math.min(...candles.map((candle) => candle.low));
  const high = Math.max(...candles.map((candle) => candle.high));
  const room = Math.max((high - low) * 0.07, high * 0.0003);
  return [low - room, high + room];
}
