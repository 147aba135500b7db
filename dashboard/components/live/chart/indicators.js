// Studies of prices, as every terminal computes them. Each gives an array as long as what came in, with null where
// there is not enough of a past. Windows are summed anew at every place: a running sum would drift.

const SESSION_DAY_MS = 86400000;
const SESSION_START_MS = 3 * 3600000; // midnight in Brasília

export const sessionOf = (timeMs) => Math.floor((timeMs - SESSION_START_MS) / SESSION_DAY_MS);

const sum = (values) => values.reduce((total, value) => total + value, 0);

// fold(window) of each `length` values in a row.
function rolling(values, length, fold) {
  return values.map((_, index) => (index + 1 < length ? null : fold(values.slice(index + 1 - length, index + 1))));
}

export function sma(values, length) {
  return rolling(values, length, (window) => sum(window) / length);
}

// Begins with the plain mean of the first `length` values. Nulls in front are passed over.
export function ema(values, length) {
  const first = values.findIndex((value) => value !== null);
  const out = new Array(values.length).fill(null);
  const start = first + length - 1;
  if (first < 0 || start >= values.length) return out;
  out[start] = sum(values.slice(first, start + 1)) / length;
  const weight = 2 / (length + 1);
  for (let index = start + 1; index < values.length; index += 1) {
    out[index] = out[index - 1] + weight * (values[index] - out[index - 1]);
  }
  return out;
}

// The mean and `widths` population standard deviations to both sides.
export function bollinger(values, length, widths) {
  const middle = sma(values, length);
  const spread = rolling(values, length, (window) => {
    const mean = sum(window) / length;
    return widths * Math.sqrt(sum(window.map((value) => (value - mean) ** 2)) / length);
  });
  const shifted = (sign) => middle.map((mean, index) => (mean === null ? null : mean + sign * spread[index]));
  return { upper: shifted(1), middle, lower: shifted(-1) };
}

// Wilder's: gains and losses are smoothed by 1/length after their plain mean over the first `length` changes.
export function rsi(values, length) {
  const out = new Array(values.length).fill(null);
  if (values.length <= length) return out;
  let gain = 0;
  let loss = 0;
  for (let index = 1; index < values.length; index += 1) {
    const change = values[index] - values[index - 1];
    const kept = index > length ? (length - 1) / length : 1;
    gain = gain * kept + Math.max(change, 0) / length;
    loss = loss * kept + Math.max(-change, 0) / length;
    if (index >= length) out[index] = gain + loss === 0 ? 50 : (100 * gain) / (gain + loss);
  }
  return out;
}

export function macd(values, fast, slow, signalLength) {
  const quick = ema(values, fast);
  const steady = ema(values, slow);
  const line = quick.map((value, index) => (value === null || steady[index] === null ? null : value - steady[index]));
  const signal = ema(line, signalLength);
  const histogram = line.map((value, index) => (signal[index] === null ? null : value - signal[index]));
  return { line, signal, histogram };
}

// Volume-weighted typical price since the session began.
export function vwap(candles) {
  let session = null;
  let value = 0;
  let volume = 0;
  return candles.map((candle) => {
    if (sessionOf(candle.time_ms) !== session) {
      session = sessionOf(candle.time_ms);
      value = volume = 0;
    }
    value += ((candle.high + candle.low + candle.close) / 3) * candle.volume;
    volume += candle.volume;
    return volume ? value / volume : null;
  });
}
