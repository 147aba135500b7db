// Above the chart: how long a candle is, and which studies are drawn.
import { element } from "../dom.js";
import { STUDIES } from "./studies.js";

export class Toolbar {
  // onInterval(interval); onStudies(Set of names).
  constructor(parent, { intervals, onInterval, onStudies }) {
    this.chosen = new Set();
    this.onStudies = onStudies;
    this.buttons = intervals.map((interval) => {
      const button = element("button", "", interval);
      button.type = "button";
      button.addEventListener("click", () => onInterval(interval));
      return button;
    });
    const group = element("div", "hb-intervals", ...this.buttons);
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Interval");
    parent.append(element("div", "hb-bar", group, this.#menu()));
  }

  select(interval) {
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.textContent === interval));
  }

  // What was chosen on an earlier visit.
  choose(names) {
    this.chosen = new Set(names.filter((name) => name in STUDIES));
    for (const [name, box] of this.boxes) box.checked = this.chosen.has(name);
    this.onStudies(this.chosen, false);
  }

  close() {
    this.listening.abort();
  }

  #menu() {
    this.boxes = new Map();
    const labels = Object.entries(STUDIES).map(([name, { title }]) => {
      const box = element("input");
      box.type = "checkbox";
      box.addEventListener("change", () => {
        if (box.checked) this.chosen.add(name);
        else this.chosen.delete(name);
        this.onStudies(this.chosen, true);
      });
      this.boxes.set(name, box);
      return element("label", "", box, title);
    });
    const menu = element("details", "hb-menu", element("summary", "", "Indicators"), element("div", "hb-menu-list", ...labels));
    this.listening = new AbortController();
    const { signal } = this.listening;
    document.addEventListener("pointerdown", (event) => menu.contains(event.target) || (menu.open = false), { signal });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      menu.open = false;
      menu.firstChild.focus();
    });
    return menu;
  }
}
