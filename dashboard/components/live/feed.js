// One event stream joined to its history, without a gap and without a double.
//
//   the stream opens ──► keep what comes ──► load history ──► apply what was kept ──► live
//        ▲                                                                             │
//        └─────── broken, opened anew, or a link of a chain missing ◄──────────────────┘
//
// Every way out of step ends in the same way back: an opening, and a new history.
import { follow } from "./streams/following.js";

const KEPT_MAX = 20000;

export class Feed {
  // wish: what to follow (streams/wishes.js). load: () => Promise of the history; onLoaded(history);
  // onEvent(name, data) returns false when out of step; onLive(isLive, sinceMs) tells the page, and while it is not live, of which
  // time by the machine's clock is what it shows: null before anything was there.
  constructor({ wish, load, onLoaded, onEvent, onLive }) {
    Object.assign(this, { load, onLoaded, onEvent, onLive });
    this.kept = []; // null while events are applied as they come
    this.closed = false;
    this.liveMs = null; // since when it is live
    this.sinceMs = null;
    this.stream = follow(wish, {
      onOpen: () => this.#join(),
      onEvent: (name, data) => this.#take(name, data),
      onBroken: (lastMs) => this.#lose(lastMs),
    });
  }

  close() {
    this.closed = true;
    this.stream.close();
  }

  async #join() {
    if (this.closed) return;
    const kept = [];
    this.kept = kept;
    const isCurrent = () => this.kept === kept && !this.closed;
    let history;
    try {
      history = await this.load();
    } catch (error) {
      console.warn("homebroker: could not load the history:", error);
      if (isCurrent()) this.#again();
      return;
    }
    if (!isCurrent()) return;
    this.onLoaded(history);
    this.kept = null;
    for (const [name, data] of kept) {
      if (!this.#apply(name, data)) return;
    }
    this.liveMs = Date.now();
    this.onLive(true, null);
  }

  #take(name, data) {
    if (this.closed) return;
    if (!this.kept) this.#apply(name, data);
    else if (this.kept.length < KEPT_MAX) this.kept.push([name, data]);
    else this.#again();
  }

  #apply(name, data) {
    if (this.onEvent(name, data) !== false) return true;
    this.#again();
    return false;
  }

  #again() {
    this.#lose();
    this.stream.again();
  }

  #lose(lastMs = Date.now()) {
    if (this.closed) return;
    this.kept = [];
    // What was loaded last may be younger than the last that the stream told; while it keeps breaking, what is shown stays as old.
    if (this.liveMs !== null) this.sinceMs = Math.max(lastMs ?? 0, this.liveMs);
    this.liveMs = null;
    this.onLive(false, this.sinceMs);
  }
}
