// One event stream joined to its history, without a gap and without a double.
//
//   open the stream ──► keep what comes ──► load history ──► apply what was kept ──► live
//        ▲                                                                            │
//        └──────── wait a little ◄──── broken, reset, or a link of a chain missing ◄──┘
//
// Every way out of step ends in the same way back: a new stream and a new history.

const RETRY_FIRST_MS = 400;
const RETRY_MAX_MS = 3000;
const KEPT_MAX = 20000;
const OVER = ["reset", "server_shutdown", "signed_out"];

export class Feed {
  // isOwn: the session's cookie goes along. load: () => Promise of the history; onLoaded(history); onEvent(name, data) returns false when out of step;
  // onLive(isLive) tells the page.
  constructor({ url, isOwn = false, events, load, onLoaded, onEvent, onLive }) {
    Object.assign(this, { url, isOwn, events, load, onLoaded, onEvent, onLive });
    this.retryMs = RETRY_FIRST_MS;
    this.closed = false;
    this.#open();
  }

  close() {
    this.closed = true;
    clearTimeout(this.retryTimer);
    this.source?.close();
  }

  #open() {
    const source = new EventSource(this.url, { withCredentials: this.isOwn });
    let kept = [];
    this.source = source;
    const isCurrent = () => this.source === source && !this.closed;
    const take = (name, data) => {
      if (this.onEvent(name, data) === false) this.#restart(source);
    };
    for (const name of this.events) {
      source.addEventListener(name, (event) => {
        if (!isCurrent()) return;
        const data = parsed(event.data);
        if (data === undefined || kept?.length > KEPT_MAX) this.#restart(source);
        else if (kept) kept.push([name, data]);
        else take(name, data);
      });
    }
    for (const name of OVER) source.addEventListener(name, () => this.#restart(source));
    source.addEventListener("error", () => this.#restart(source));
    source.addEventListener("open", async () => {
      try {
        const history = await this.load();
        if (!isCurrent()) return;
        this.onLoaded(history);
      } catch (error) {
        console.warn("homebroker: could not load the history:", error);
        this.#restart(source);
        return;
      }
      const waiting = kept;
      kept = null;
      for (const [name, data] of waiting) {
        if (!isCurrent()) return;
        take(name, data);
      }
      if (!isCurrent()) return;
      this.retryMs = RETRY_FIRST_MS;
      this.onLive(true);
    });
  }

  #restart(source) {
    if (this.source !== source || this.closed) return;
    source.close();
    this.source = null;
    this.onLive(false);
    this.retryTimer = setTimeout(() => this.#open(), this.retryMs * (0.75 + Math.random() / 2));
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
