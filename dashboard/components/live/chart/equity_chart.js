// What the account was worth over time, up to now; or what it has earned, which money paid in does not change.
import { element, Repainter, setText, showFigures } from "../dom.js";
import * as format from "../format.js";
import { startPlotly } from "./plotly.js";

const REDRAW_PERIOD_MS = 500;
const MINUTE_MS = 60000;
const DAY_MS = 86400000;
const MARGIN = { l: 2, r: 84, t: 26, b: 22 };
const LOADING = "Loading the curve…";

const profitOf = (point) => point.equity - point.net_deposits;

export const SUBJECTS = {
  equity: { title: "Equity", of: (points) => points.map((point) => point.equity) },
  profit: { title: "Profit", of: (points) => points.map(profitOf) },
  drawdown: { title: "Drawdown", of: drawdowns, unit: "%" },
};

// How far the profit is below its highest so far, in percent of what the account was worth then: paid in or out is
// neither profit nor loss.
export function drawdowns(points) {
  let top = -Infinity;
  let equityThen = 0;
  return points.map((point) => {
    const profit = profitOf(point);
    if (profit >= top) [top, equityThen] = [profit, point.equity];
    return equityThen > 0 ? (100 * (profit - top)) / equityThen : 0;
  });
}

export class EquityChart {
  constructor(parent, plotlyUrl) {
    this.history = null; // null until it is known
    this.now = null;
    this.subject = "equity";
    this.plot = element("div", "hb-plot");
    this.figures = element("div", "hb-figures");
    this.empty = element("div", "hb-empty", LOADING);
    this.node = element("div", "hb-chart hb-equity", this.plot, this.figures, this.empty);
    parent.append(this.node);
    this.redraw = new Repainter(() => this.#draw(), REDRAW_PERIOD_MS);
    this.resizing = new ResizeObserver(() => this.redraw.ask());
    this.resizing.observe(this.node);
    this.scheme = matchMedia("(prefers-color-scheme: light)");
    this.onScheme = () => this.redraw.ask();
    this.scheme.addEventListener("change", this.onScheme);
    this.stopLoading = startPlotly(plotlyUrl, this.empty, (plotly) => {
      this.plotly = plotly;
      this.redraw.ask();
    });
  }

  choose(subject) {
    this.subject = subject;
    this.redraw.ask();
  }

  load(points) {
    this.history = points;
    this.redraw.ask();
  }

  // The account as it is at this moment, in the shape of a point of the history.
  setNow(point) {
    this.now = point;
    this.redraw.ask();
  }

  fail(message) {
    if (this.history === null) setText(this.empty, message);
  }

  close() {
    this.stopLoading();
    this.resizing.disconnect();
    this.redraw.close();
    this.scheme.removeEventListener("change", this.onScheme);
    if (this.drawn) this.plotly.purge(this.plot);
  }

  #points() {
    const known = this.history ?? [];
    const isNew = this.now && this.now.time_ms > (known.at(-1)?.time_ms ?? 0);
    return isNew ? [...known, this.now] : known;
  }

  #draw() {
    if (!this.plotly || this.history === null || this.node.clientWidth === 0) return;
    this.points = this.#points();
    this.empty.hidden = this.points.length > 1;
    if (!this.empty.hidden) setText(this.empty, "The curve begins with the first whole minute of your account.");
    const y = SUBJECTS[this.subject].of(this.points);
    const style = getComputedStyle(this.node);
    const colour = (name) => style.getPropertyValue(name).trim();
    const isGood = this.subject === "profit" && y.at(-1) >= 0;
    const tone = this.subject === "equity" ? "--hb-accent" : isGood ? "--hb-up" : "--hb-down";
    const trace = {
      type: "scatter",
      mode: "lines",
      x: this.points.map((point) => point.time_ms),
      y,
      line: { color: colour(tone), width: 1.6 },
      fill: this.subject === "equity" ? "none" : "tozeroy",
      fillcolor: `color-mix(in srgb, ${colour(tone)} 14%, transparent)`,
      hoverinfo: "none",
    };
    this.plotly.react(this.plot, [trace], this.#layout(y, { grid: colour("--hb-grid"), text: colour("--hb-dim"), pane: colour("--hb-pane"), family: style.fontFamily }), { displayModeBar: false });
    if (!this.drawn) this.#listen();
    this.#drawFigures();
  }

  #layout(y, { grid, text, pane, family }) {
    const [low, high] = [Math.min(...y), Math.max(...y)];
    const { unit } = SUBJECTS[this.subject];
    const room = Math.max((high - low) * 0.08, unit === "%" ? 0.01 : 1);
    // Without a curve an axis tells of years that nobody asked for.
    const axis = { visible: y.length > 1, gridcolor: grid, zeroline: false, tickfont: { color: text, size: 11 }, fixedrange: true };
    const spike = { showspikes: true, spikemode: "across", spikethickness: 1, spikedash: "dot", spikecolor: text };
    return {
      width: this.node.clientWidth,
      height: this.node.clientHeight,
      margin: MARGIN,
      paper_bgcolor: pane,
      plot_bgcolor: pane, // Plotly picks what lies under a spike line by it
      font: { family },
      showlegend: false,
      separators: ",.",
      hovermode: "x",
      dragmode: false,
      xaxis: {
        ...axis,
        ...spike,
        type: "date",
        tickformatstops: [
          { dtickrange: [null, MINUTE_MS - 1], value: "%H:%M:%S" },
          { dtickrange: [MINUTE_MS, DAY_MS - 1], value: "%H:%M" },
          { dtickrange: [DAY_MS, null], value: "%d/%m" },
        ],
      },
      yaxis: { ...axis, side: "right", range: [low - room, high + room], tickformat: high - low < 50 ? ",.2f" : ",.0f", ticksuffix: unit ?? "" },
    };
  }

  #listen() {
    this.drawn = true;
    this.plot.on("plotly_hover", ({ points }) => {
      this.hovered = points[0].pointIndex;
      this.#drawFigures();
    });
    this.plot.on("plotly_unhover", () => {
      this.hovered = null;
      this.#drawFigures();
    });
  }

  #drawFigures() {
    const point = this.points[this.hovered ?? -1] ?? this.points.at(-1);
    if (!point) {
      this.figures.replaceChildren();
      return;
    }
    const profit = profitOf(point);
    const parts = [
      ["", format.dayAndMinute(point.time_ms), ""],
      ["Equity", format.money(point.equity), ""],
      ["Profit", format.gain(profit), format.direction(profit)],
      ["Drawdown", format.percent(drawdowns(this.points.slice(0, this.points.indexOf(point) + 1)).at(-1)), ""],
      ["Fees", format.money(point.fees), ""],
      ["Paid in", format.money(point.net_deposits), ""],
    ];
    showFigures(this.figures, parts);
  }
}
