// A pane with several faces, of which one is seen.
import { element } from "./dom.js";

export class Tabs {
  // faces: { title: node }; onShown(title) when another one is seen.
  constructor(label, faces, onShown = () => {}) {
    this.faces = new Map(Object.entries(faces));
    this.onShown = onShown;
    this.buttons = new Map();
    this.bar = element("div", "hb-tabs");
    this.bar.setAttribute("role", "tablist");
    this.bar.setAttribute("aria-label", label);
    for (const title of this.faces.keys()) this.#add(title);
    this.bar.addEventListener("keydown", (event) => this.#onKey(event));
    this.show(this.faces.keys().next().value);
  }

  show(title) {
    this.shown = title;
    for (const [name, node] of this.faces) node.hidden = name !== title;
    for (const [name, { button }] of this.buttons) {
      button.setAttribute("aria-selected", String(name === title));
      button.tabIndex = name === title ? 0 : -1;
    }
    this.onShown(title);
  }

  count(title, text) {
    this.buttons.get(title).count.textContent = text;
  }

  #add(title) {
    const count = element("span", "hb-count");
    const button = element("button", "", title, count);
    button.type = "button";
    button.setAttribute("role", "tab");
    button.addEventListener("click", () => this.show(title));
    this.faces.get(title).setAttribute("role", "tabpanel");
    this.buttons.set(title, { button, count });
    this.bar.append(button);
  }

  #onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const names = [...this.faces.keys()];
    const next = names[(names.indexOf(this.shown) + step + names.length) % names.length];
    this.show(next);
    this.buttons.get(next).button.focus();
  }
}
