// Says, over the panes, that what they show has stopped moving.
import { element, setText } from "./dom.js";
import { reconnecting } from "./words.js";

const PATIENCE_MS = 800; // a connection that is quickly there needs no words

export class Banner {
  constructor(parent, text = reconnecting(null), className = "hb-banner") {
    this.text = text;
    this.waiting = new Map();
    this.node = element("div", className);
    this.node.setAttribute("role", "alert");
    this.node.hidden = true;
    parent.append(this.node);
  }

  // `text` where this one has words of its own; the first that waits is told.
  set(name, isLive, text = this.text) {
    if (isLive) this.waiting.delete(name);
    else this.waiting.set(name, text);
    if (!this.waiting.size) {
      clearTimeout(this.timer);
      this.timer = null;
      this.node.hidden = true;
      return;
    }
    setText(this.node, this.waiting.values().next().value);
    this.timer ??= setTimeout(() => (this.node.hidden = false), PATIENCE_MS);
  }

  // As a feed tells it: while it is not live, of which time is what it shows.
  setLive(name, isLive, sinceMs) {
    this.set(name, isLive, reconnecting(sinceMs));
  }

  close() {
    clearTimeout(this.timer);
  }
}
