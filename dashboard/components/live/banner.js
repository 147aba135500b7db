// Says, over the panes, that what they show has stopped moving.
import { element } from "./dom.js";

const RECONNECTING = "Reconnecting to the market… What you see may be out of date.";
const PATIENCE_MS = 800; // a connection that is quickly there needs no words

export class Banner {
  constructor(parent, text = RECONNECTING) {
    this.waiting = new Set();
    this.node = element("div", "hb-banner", text);
    this.node.setAttribute("role", "alert");
    this.node.hidden = true;
    parent.append(this.node);
  }

  set(name, isLive) {
    if (isLive) this.waiting.delete(name);
    else this.waiting.add(name);
    if (!this.waiting.size) {
      clearTimeout(this.timer);
      this.timer = null;
      this.node.hidden = true;
    } else {
      this.timer ??= setTimeout(() => (this.node.hidden = false), PATIENCE_MS);
    }
  }

  close() {
    clearTimeout(this.timer);
  }
}
