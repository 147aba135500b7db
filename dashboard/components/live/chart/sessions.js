// Every second trading day is shaded, so that the eye sees where one ends.
import { sessionOf } from "./indicators.js";

export function sessionBands(candles, firstPlace, colour) {
  const bands = [];
  for (let index = 0; index < candles.length; index += 1) {
    const session = sessionOf(candles[index].time_ms);
    const last = bands.at(-1);
    if (last?.session === session) last.to = firstPlace + index + 0.5;
    else bands.push({ session, from: firstPlace + index - 0.5, to: firstPlace + index + 0.5 });
  }
  // A candle that is a day long needs no shade to tell it from the next.
  if (bands.length > candles.length / 2) return [];
  return bands
    .filter(({ session }) => session % 2 === 0)
    .map(({ from, to }) => ({
      type: "rect", xref: "x", yref: "paper", x0: from, x1: to, y0: 0, y1: 1, fillcolor: colour, line: { width: 0 }, layer: "below",
    }));
}
