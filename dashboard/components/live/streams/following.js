// Follows a stream through the browser's hub; without one (some phones have none, one may die) by a connection of the page's own.
import { Source } from "./source.js";
import { streamOf } from "./wishes.js";

const PING_PERIOD_MS = 5000;
const PATIENCE_MS = 3000; // for the hub's first word

class Pages {
  constructor() {
    this.followers = new Map();
    this.newest = 0;
    this.isShared = true;
    try {
      this.#connect();
    } catch {
      this.isShared = false;
    }
    // A page that the browser had put aside has lost its place in the hub.
    window.addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
  }

  add(wish, handlers) {
    this.newest += 1;
    const id = this.newest;
    const follower = { wish, handlers, own: null };
    this.followers.set(id, follower);
    if (this.isShared) this.port.postMessage({ kind: "follow", id, wish });
    else goAlone(follower);
    return {
      again: () => (follower.own ? follower.own.again() : this.port.postMessage({ kind: "again", id })),
      close: () => {
        this.followers.delete(id);
        if (follower.own) follower.own.close();
        else this.port.postMessage({ kind: "leave", id });
      },
    };
  }

  #connect() {
    const worker = new SharedWorker(new URL("./worker.js", import.meta.url), { type: "module", name: "homebroker" });
    this.port = worker.port;
    worker.addEventListener("error", () => this.#fail());
    this.port.onmessage = ({ data }) => this.#take(data);
    const lock = `homebroker-${crypto.getRandomValues(new Uint32Array(4)).join("-")}`;
    // Held until the page is gone. Only where the browser has locks: not on a plain address of another machine.
    navigator.locks?.request(lock, () => {
      this.port.postMessage({ kind: "alive", lock });
      return new Promise(() => {});
    });
    window.addEventListener("pagehide", () => this.port.postMessage({ kind: "bye" }));
    this.heard = false;
    setTimeout(() => this.#listen(), PATIENCE_MS);
  }

  // Without a hub prices would stand still and look like a quiet market.
  #listen() {
    if (!this.isShared) return;
    if (!this.heard) {
      this.#fail();
      return;
    }
    this.heard = false;
    this.port.postMessage({ kind: "ping" });
    setTimeout(() => this.#listen(), PING_PERIOD_MS);
  }

  #take(message) {
    this.heard = true;
    this.heardMs = Date.now();
    const follower = this.isShared && this.followers.get(message.id);
    if (!follower) return;
    const { onOpen, onEvent, onBroken } = follower.handlers;
    if (message.kind === "event") onEvent(message.name, message.data);
    else if (message.kind === "open") onOpen();
    else onBroken(message.lastMs);
  }

  #fail() {
    if (!this.isShared) return;
    this.isShared = false;
    this.port.postMessage({ kind: "bye" });
    for (const follower of this.followers.values()) {
      follower.handlers.onBroken(this.heardMs ?? null);
      goAlone(follower);
    }
  }
}

function goAlone(follower) {
  const { wish, handlers } = follower;
  follower.own = new Source(handlers);
  follower.own.open(streamOf([wish]));
}

let pages = null;

// handlers: onOpen(), onEvent(name, data), onBroken(lastMs). Gives { again(), close() }.
export function follow(wish, handlers) {
  pages ??= new Pages();
  return pages.add(wish, handlers);
}
