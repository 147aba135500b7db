// The market's time as its records tell it: the browser's own clock may be wrong, and may be set while one looks.
export class MarketClock {
  constructor() {
    this.aheadMs = -Infinity; // of the browser's steady clock, which nobody sets
  }

  // A record of that time is here: so it is at least as late.
  see(timeMs) {
    this.aheadMs = Math.max(this.aheadMs, timeMs - performance.now());
  }

  // -Infinity before the first record.
  now() {
    return Math.floor(this.aheadMs + performance.now());
  }
}
