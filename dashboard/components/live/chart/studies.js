// The studies that can be switched on: over the prices, or in a pane of their own below them.
import { bollinger, ema, macd, rsi, sma, vwap } from "./indicators.js";

const closes = (candles) => candles.map((candle) => candle.close);
const line = (name, y, colour, options = {}) => ({ name, y, colour, width: 1.2, ...options });

export const STUDIES = {
  sma20: { title: "MA 20", of: (candles) => [line("MA 20", sma(closes(candles), 20), "#e0a63a")] },
  sma50: { title: "MA 50", of: (candles) => [line("MA 50", sma(closes(candles), 50), "#b072e8")] },
  ema9: { title: "EMA 9", of: (candles) => [line("EMA 9", ema(closes(candles), 9), "#31b5d6")] },
  vwap: { title: "VWAP", of: (candles) => [line("VWAP", vwap(candles), "#e8709a", { dash: "dot" })] },
  bollinger: {
    title: "Bollinger 20, 2",
    of: (candles) => {
      const { upper, lower } = bollinger(closes(candles), 20, 2);
      return [
        line("BB upper", upper, "#6f86ad", { width: 1 }),
        line("BB lower", lower, "#6f86ad", { width: 1, fill: "tonexty", fillcolor: "rgba(111,134,173,0.09)" }),
      ];
    },
  },
  rsi: {
    title: "RSI 14",
    pane: { range: () => [0, 100], guides: [30, 70] },
    of: (candles) => [line("RSI 14", rsi(closes(candles), 14), "#b072e8")],
  },
  macd: {
    title: "MACD 12, 26, 9",
    pane: { range: around, guides: [0] },
    of: (candles) => {
      const found = macd(closes(candles), 12, 26, 9);
      return [
        { name: "Histogram", y: found.histogram, bars: true },
        line("MACD", found.line, "#3d8bff"),
        line("Signal", found.signal, "#e0a63a"),
      ];
    },
  },
};

// Room for all that is seen, around zero.
function around(lines) {
  const most = Math.max(1e-6, ...lines.flatMap(({ y }) => y.map((value) => Math.abs(value ?? 0))));
  return [-1.1 * most, 1.1 * most];
}

// Computed over everything that is kept, so that what is seen does not depend on what is seen of the past.
export function studied(chosen, candles) {
  return Object.keys(STUDIES)
    .filter((name) => chosen.has(name))
    .map((name) => ({ name, ...STUDIES[name], lines: STUDIES[name].of(candles) }));
}
