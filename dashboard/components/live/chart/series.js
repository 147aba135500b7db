// Candles in order of time. A candle keeps its place number for life, so that a view over places stays put.

const CANDLES_MAX = 3000;

export class Series {
  constructor() {
    this.load([]);
  }

  load(candles) {
    this.first = 0;
    this.candles = candles.slice(-CANDLES_MAX);
  }

  get end() {
    return this.first + this.candles.length;
  }

  get last() {
    return this.candles[this.candles.length - 1];
  }

  at(place) {
    return this.candles[place - this.first];
  }

  slice(from, to) {
    return this.candles.slice(Math.max(0, from - this.first), Math.max(0, to - this.first));
  }

  // Where a moment falls: the place of the newest candle that had begun; null before the first.
  placeOf(timeMs) {
    let low = 0;
    let high = this.candles.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.candles[middle].time_ms <= timeMs) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? null : this.first + low - 1;
  }

  // A candle event holds the whole candle; of two versions the one with more trades is newer.
  apply(candle) {
    let index = this.candles.length - 1;
    while (index >= 0 && this.candles[index].time_ms > candle.time_ms) index -= 1;
    const known = this.candles[index];
    if (known?.time_ms === candle.time_ms) {
      if (candle.trades >= known.trades) this.candles[index] = candle;
      return;
    }
    this.candles.splice(index + 1, 0, candle);
    if (this.candles.length > CANDLES_MAX) {
      this.candles.shift();
      this.first += 1;
    }
  }
}
