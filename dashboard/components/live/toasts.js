// Short messages that come and go in the corner.
import { element, setText } from "./dom.js";

const LIFE_MS = { bad: 9000, wait: 9000, info: 5000, up: 5000, down: 5000 };
const SHOWN_MAX = 5;

export class Toasts {
  constructor(parent) {
    this.node = element("div", "hb-toasts");
    this.node.setAttribute("role", "status");
    this.node.setAttribute("aria-live", "polite");
    parent.append(this.node);
    this.shown = new Map();
  }

  // One that has a key takes the place of the one on screen that has it, and lives on from then.
  show({ kind, title, detail = "", key = null }) {
    const toast = this.shown.get(key) ?? this.#add(key);
    toast.node.className = `hb-toast hb-toast-${kind}`;
    setText(toast.title, title);
    setText(toast.detail, detail);
    clearTimeout(toast.timer);
    toast.timer = setTimeout(toast.remove, LIFE_MS[kind]);
  }

  has(key) {
    return this.shown.has(key);
  }

  #add(key) {
    const title = element("strong");
    const detail = element("span");
    const node = element("div", "", title, detail);
    const remove = () => {
      clearTimeout(toast.timer);
      node.remove();
      this.shown.delete(toast.key);
    };
    const toast = { key: key ?? Symbol("toast"), node, title, detail, remove, timer: null };
    node.addEventListener("click", remove);
    this.node.append(node);
    this.shown.set(toast.key, toast);
    if (this.shown.size > SHOWN_MAX) this.shown.values().next().value.remove();
    return toast;
  }
}
