// The web socket to the page's server, which forms and tables need and live panes do not.
//
//   lost ──► banner ──► connected again ──► the page runs anew ──► by the same visit: all as it was
//                                                             └──► by another: loaded anew
//
// A server that was started again, or that forgot a page which was away for long, knows none of its forms: their buttons
// would do nothing, without a word.
const CONNECTED = "CONNECTED";
const STATE = "data-test-connection-state";

export class ServerLink {
  // onConnected(isConnected), once the page has run again where it was away; rerun() runs the page anew; reload() loads it.
  constructor({ app, onConnected, rerun, reload }) {
    Object.assign(this, { app, onConnected, rerun, reload });
    this.isConnected = true;
    this.isTold = true;
    this.visit = null;
    this.observer = new MutationObserver(() => this.#look());
    if (app) this.observer.observe(app, { attributes: true, attributeFilter: [STATE] });
  }

  // What the page's server calls this visit; it is told after each run.
  show(visit) {
    if (this.visit !== null && this.visit !== visit) this.reload();
    this.visit = visit;
    if (this.isConnected) this.#tell(true);
  }

  close() {
    this.observer.disconnect();
  }

  #look() {
    const isConnected = this.app.getAttribute(STATE) === CONNECTED;
    if (isConnected === this.isConnected) return;
    this.isConnected = isConnected;
    if (isConnected) this.rerun();
    else this.#tell(false);
  }

  #tell(isConnected) {
    if (isConnected !== this.isTold) this.onConnected(isConnected);
    this.isTold = isConnected;
  }
}
