// One event stream from the API, which comes back by itself: after pauses that grow for as long as it keeps breaking.
import { Silence } from "./silence.js";

const RETRY_FIRST_MS = 400;
const RETRY_MAX_MS = 3000;
const SETTLED_MS = 5000; // open for so long, it counts as mended
const OPENING_MAX_MS = 15000; // an answer that has not begun by then was lost on its way
const OVER = ["reset", "server_shutdown", "signed_out", "error"];

export class Source {
  // onOpen(); onEvent(name, data); onBroken(lastMs), the time by the machine's clock when the market was last heard, or null.
  constructor({ onOpen, onEvent, onBroken }, { openingMaxMs = OPENING_MAX_MS, silenceMaxMs } = {}) {
    Object.assign(this, { onOpen, onEvent, onBroken, openingMaxMs });
    this.retryMs = RETRY_FIRST_MS;
    this.lastMs = null;
    this.silence = new Silence(() => this.again(), { maxMs: silenceMaxMs });
  }

  // At once, in place of what was open. isOwn: the session's cookie goes along; events: the names of those that are told.
  open(what) {
    this.close();
    this.what = what;
    const source = new EventSource(what.url, { withCredentials: what.isOwn });
    this.source = source;
    this.silence.begin(this.openingMaxMs);
    const on = (name, act) => source.addEventListener(name, (event) => this.source === source && act(event));
    const onTold = (name, act) =>
      on(name, ({ data }) => {
        const told = parsed(data);
        if (told === undefined) this.again();
        else act(told);
      });
    for (const name of what.events) {
      onTold(name, (told) => {
        this.silence.heard();
        this.lastMs = Date.now();
        this.onEvent(name, told);
      });
    }
    onTold("heartbeat", (told) => {
      this.silence.beat(told?.every_ms);
      this.lastMs = Date.now();
    });
    for (const name of OVER) on(name, () => this.again());
    on("open", () => {
      this.openedMs = performance.now();
      this.silence.begin();
      this.onOpen();
    });
  }

  // Something is wrong with what came: begin anew, after a pause.
  again() {
    if (!this.source) return;
    this.close();
    if (performance.now() - this.openedMs > SETTLED_MS) this.retryMs = RETRY_FIRST_MS;
    this.openedMs = Infinity;
    this.timer = setTimeout(() => this.open(this.what), this.retryMs * (0.75 + Math.random() / 2));
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
    this.onBroken(this.lastMs);
  }

  close() {
    clearTimeout(this.timer);
    this.silence.end();
    this.source?.close();
    this.source = null;
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
