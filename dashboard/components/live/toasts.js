// Short messages that come and go in the corner.
import { element } from "./dom.js";

const LIFE_MS = { bad: 9000, info: 5000, up: 5000, down: 5000 };
const SHOWN_MAX = 5;

export class Toasts {
  constructor(parent) {
    this.node = element("div", "hb-toasts");
    this.node.setAttribute("role", "status");
    this.node.setAttribute("aria-live", "polite");
    parent.append(this.node);
  }

  show({ kind, title, detail = "" }) {
    const toast = element("div", `hb-toast hb-toast-${kind}`, element("strong", "", title));
    if (detail) toast.append(element("span", "", detail));
    toast.addEventListener("click", () => toast.remove());
    this.node.append(toast);
    while (this.node.childElementCount > SHOWN_MAX) this.node.firstChild.remove();
    setTimeout(() => toast.remove(), LIFE_MS[kind]);
  }
}
