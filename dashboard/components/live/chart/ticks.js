// Where the time axis carries labels: at round times of the viewer's clock, whatever gaps the market left.
import * as format from "../format.js";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const STEPS_MS = [
  ...[1, 5, 10, 15, 30].map((count) => count * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE_MS),
  ...[1, 2, 4, 6, 12].map((count) => count * HOUR_MS),
  ...[1, 2, 7, 14, 28, 91, 364].map((count) => count * DAY_MS),
];

const localMs = (timeMs) => timeMs - new Date(timeMs).getTimezoneOffset() * MINUTE_MS;

// At most `count` labels, and none nearer to another than that allows: hours without a trade may lie between two candles.
export function axisTicks(series, [left, right], count) {
  const from = Math.max(series.first, Math.floor(left));
  const candles = series.slice(from, Math.ceil(right) + 1);
  if (candles.length < 2) return { tickvals: [], ticktext: [] };
  const periodMs = shortestStep(candles);
  const shownMs = (right - left) * periodMs;
  const stepMs = STEPS_MS.find((step) => step >= periodMs && shownMs / step <= count) ?? STEPS_MS.at(-1);
  const apart = (right - left) / count / 2;
  const tickvals = [];
  const ticktext = [];
  for (let index = 1; index < candles.length; index += 1) {
    const before = localMs(candles[index - 1].time_ms);
    const now = localMs(candles[index].time_ms);
    if (Math.floor(now / stepMs) === Math.floor(before / stepMs)) continue;
    const newDay = stepMs >= DAY_MS || Math.floor(now / DAY_MS) !== Math.floor(before / DAY_MS);
    if (from + index - tickvals.at(-1) < apart) {
      tickvals.pop();
      ticktext.pop();
    }
    tickvals.push(from + index);
    ticktext.push(label(candles[index].time_ms, newDay, stepMs));
  }
  return { tickvals, ticktext };
}

function label(timeMs, newDay, stepMs) {
  if (newDay) return format.day(timeMs);
  return stepMs < MINUTE_MS ? format.time(timeMs) : format.minute(timeMs);
}

function shortestStep(candles) {
  let shortest = Infinity;
  for (let index = 1; index < candles.length; index += 1) {
    shortest = Math.min(shortest, candles[index].time_ms - candles[index - 1].time_ms);
  }
  return shortest;
}
