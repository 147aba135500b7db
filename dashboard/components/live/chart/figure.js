// What Plotly is asked to draw: candles and volume, studies, fills. Pure: everything comes in, nothing is kept.
import { sessionBands } from "./sessions.js";
import { studied } from "./studies.js";
import { axisTicks } from "./ticks.js";

export const MARGIN = { l: 2, r: 62, b: 20 };
const TICK_WIDTH_PX = 86;
const VOLUME_SHARE = 0.16;
const STUDY_SHARE = 0.17;
const GAP = 0.025;

// `view`: range (places), size, top (pixels kept free for the legend), decimals, name, marks (prices); `fills`: [{ place, price, side, quantity }].
// Gives also the studies, whose lines begin at the place `from`.
export function figure({ series, view, chosen, fills, colours }) {
  const [left, right] = view.range;
  const margin = right - left;
  const from = Math.max(series.first, Math.floor(left - margin));
  const shown = series.slice(from, Math.ceil(right + margin));
  const x = shown.map((_, index) => from + index);
  const cut = (values) => values.slice(from - series.first, from - series.first + shown.length);
  const studies = studied(chosen, series.candles).map((study) => ({
    ...study,
    lines: study.lines.map((each) => ({ ...each, y: cut(each.y) })),
  }));
  const panes = studies.filter(({ pane }) => pane);
  const traces = [candlesticks(shown, x, colours), volumes(shown, x, colours)];
  for (const study of studies) {
    const axis = study.pane ? `y${3 + panes.indexOf(study)}` : "y";
    traces.push(...study.lines.map((each) => studyTrace(each, x, axis, colours)));
  }
  traces.push(...fillTraces(fills, colours));
  return { traces, layout: layout({ series, view, panes, colours, shown, from }), studies, from };
}

function candlesticks(candles, x, colours) {
  const pick = (name) => candles.map((candle) => candle[name]);
  const side = (colour) => ({ line: { color: colour, width: 1 }, fillcolor: colour });
  return {
    type: "candlestick",
    x,
    open: pick("open"),
    high: pick("high"),
    low: pick("low"),
    close: pick("close"),
    increasing: side(colours.up),
    decreasing: side(colours.down),
    hoverinfo: "skip",
  };
}

function volumes(candles, x, colours) {
  return {
    type: "bar",
    x,
    y: candles.map((candle) => candle.volume),
    yaxis: "y2",
    marker: {
      color: candles.map((candle) => (candle.close >= candle.open ? colours.up : colours.down)),
      opacity: 0.45,
      line: { width: 0 },
    },
    hoverinfo: "skip",
  };
}

function studyTrace({ name, y, colour, width, dash, fill, fillcolor, bars }, x, axis, colours) {
  if (bars) {
    const color = y.map((value) => (value >= 0 ? colours.up : colours.down));
    return { type: "bar", name, x, y, yaxis: axis, marker: { color, opacity: 0.5, line: { width: 0 } }, hoverinfo: "skip" };
  }
  return { type: "scatter", mode: "lines", name, x, y, yaxis: axis, line: { color: colour, width, dash }, fill, fillcolor, hoverinfo: "skip" };
}

function fillTraces(fills, colours) {
  return ["buy", "sell"].map((side) => {
    const own = fills.filter((fill) => fill.side === side);
    const isBuy = side === "buy";
    return {
      type: "scatter",
      mode: "markers",
      name: `my ${side}s`,
      x: own.map(({ place }) => place),
      y: own.map(({ price }) => price),
      marker: {
        symbol: isBuy ? "triangle-up" : "triangle-down",
        size: 11,
        color: isBuy ? colours.up : colours.down,
        line: { color: colours.text, width: 1 },
      },
      hoverinfo: "skip",
    };
  });
}

function layout({ series, view, panes, colours, shown, from }) {
  const { range, width, height, decimals } = view;
  const seen = (place) => place >= Math.floor(range[0]) && place <= Math.ceil(range[1]);
  const inView = shown.filter((_, index) => seen(from + index));
  const line = { gridcolor: colours.grid, zeroline: false, tickfont: { size: 10.5, color: colours.text } };
  const foot = VOLUME_SHARE + panes.length * (STUDY_SHARE + GAP);
  const axes = {};
  panes.forEach((study, index) => {
    const bottom = index * (STUDY_SHARE + GAP);
    const lines = study.lines.map((each) => ({ ...each, y: each.y.filter((_, at) => seen(from + at)) }));
    axes[`yaxis${3 + index}`] = {
      ...line,
      side: "right",
      domain: [bottom, bottom + STUDY_SHARE],
      fixedrange: true,
      range: study.pane.range(lines),
      tickvals: study.pane.guides,
      ticktext: study.pane.guides.map(String),
    };
  });
  return {
    width,
    height,
    margin: { ...MARGIN, t: view.top },
    paper_bgcolor: colours.pane,
    plot_bgcolor: colours.pane,
    font: { family: colours.family, color: colours.text },
    separators: ",.",
    uirevision: view.name,
    showlegend: false,
    dragmode: "pan",
    hovermode: false,
    bargap: 0.3,
    shapes: sessionBands(shown, from, colours.band),
    xaxis: {
      ...line,
      anchor: panes.length ? "y3" : "y2",
      range,
      autorange: false,
      rangeslider: { visible: false },
      tickmode: "array",
      ...axisTicks(series, range, Math.max(2, width / TICK_WIDTH_PX)),
    },
    yaxis: {
      ...line,
      side: "right",
      domain: [foot + GAP, 1],
      fixedrange: true,
      range: priceRange(inView, view.marks),
      nticks: Math.max(3, Math.floor((height * (1 - foot)) / 40)),
      tickformat: `,.${decimals}f`,
    },
    yaxis2: {
      side: "right",
      domain: [foot - VOLUME_SHARE, foot],
      fixedrange: true,
      showgrid: false,
      zeroline: false,
      showticklabels: false,
      range: [0, Math.max(1, ...inView.map((candle) => candle.volume)) * 1.05],
    },
    ...axes,
  };
}

// Of the prices to mark, those not far from the candles are made room for; one far away would flatten them.
function priceRange(candles, marks) {
  if (!candles.length) return [0, 1];
  const lowest = Math.min(...candles.map((candle) => candle.low));
  const highest = Math.max(...candles.map((candle) => candle.high));
  const reach = Math.max((highest - lowest) / 2, highest * 0.01);
  const near = marks.filter((price) => price >= lowest - reach && price <= highest + reach);
  const [low, high] = [Math.min(lowest, ...near), Math.max(highest, ...near)];
  const room = Math.max((high - low) * 0.07, high * 0.0003);
  return [low - room, high + room];
}
