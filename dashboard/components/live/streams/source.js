// One event stream from the API, which comes back by itself: after pauses that grow for as long as it keeps breaking.

const RETRY_FIRST_MS = 400;
const RETRY_MAX_MS = 3000;
const SETTLED_MS = 5000; // open for so long, it counts as mended
const OVER = ["reset", "server_shutdown", "signed_out", "error"];

export class Source {
  // onOpen(); onEvent(name, data); onBroken().
  constructor({ onOpen, onEvent, onBroken }) {
    Object.assign(this, { onOpen, onEvent, onBroken });
    this.retryMs = RETRY_FIRST_MS;
  }

  // At once, in place of what was open. isOwn: the session's cookie goes along; events: the names of those that are told.
  open(what) {
    this.close();
    this.what = what;
    const source = new EventSource(what.url, { withCredentials: what.isOwn });
    this.source = source;
    const on = (name, act) => source.addEventListener(name, (event) => this.source === source && act(event));
    for (const name of what.events) {
      on(name, ({ data }) => {
        const told = parsed(data);
        if (told === undefined) this.again();
        else this.onEvent(name, told);
      });
    }
    for (const name of OVER) on(name, () => this.again());
    on("open", () => {
      this.openedMs = performance.now();
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
    this.onBroken();
  }

  close() {
    clearTimeout(this.timer);
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
