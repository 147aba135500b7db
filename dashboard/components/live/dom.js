// Small words for the DOM. Text only ever goes in as text, whatever the API sends.

export function element(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setClass(node, className) {
  if (node.className !== className) node.className = className;
}

export function headings(names) {
  const row = element("tr");
  for (const name of names) {
    const title = name.replace(/^</, "");
    // In parentheses stands what only a screen reader has to say.
    const isSpoken = title.startsWith("(");
    const shown = isSpoken ? element("span", "hb-spoken", title.slice(1, -1)) : title;
    const cell = element("th", name.startsWith("<") ? "hb-left" : "", shown);
    cell.scope = "col";
    row.append(cell);
  }
  return element("thead", "", row);
}

// A table's cell with a symbol that can be gone to; gives the cell and what holds its text.
export function symbolCell(onSymbol) {
  const button = element("button", "hb-to-symbol");
  button.type = "button";
  button.title = "Show this symbol";
  button.addEventListener("click", () => onSymbol(button.textContent));
  return [element("td", "hb-left", button), button];
}

// Named figures in a row.
export class Figures {
  constructor(className, names) {
    this.values = new Map(names.map((name) => [name, element("dd", "", "–")]));
    const lists = names.map((name) => element("dl", "", element("dt", "", name), this.values.get(name)));
    this.node = element("div", className, ...lists);
  }

  show(name, text, className = "") {
    setText(this.values.get(name), text);
    setClass(this.values.get(name), className);
  }
}

// Named values side by side, as [name, text, class, colour]; the nodes stay.
export function showFigures(node, parts) {
  while (node.childElementCount < parts.length) node.append(element("span", "", element("i"), element("b")));
  while (node.childElementCount > parts.length) node.lastChild.remove();
  parts.forEach(([name, text, className, colour], index) => {
    const [label, value] = node.children[index].children;
    setText(label, name);
    setText(value, text);
    setClass(value, className);
    value.style.color = colour ?? "";
  });
}

// Rows of a table that live as long as their key does, so that nothing focused or pressed is re-made.
export class KeyedRows {
  constructor(body, make) {
    this.body = body;
    this.make = make;
    this.rows = new Map();
  }

  show(items, keyOf, fill) {
    const wanted = new Set();
    let before = this.body.firstChild;
    for (const item of items) {
      const key = keyOf(item);
      wanted.add(key);
      let row = this.rows.get(key);
      if (!row) {
        row = this.make(item);
        this.rows.set(key, row);
      }
      fill(row, item);
      if (row.node === before) before = before.nextSibling;
      else this.body.insertBefore(row.node, before);
    }
    for (const [key, row] of this.rows) {
      if (wanted.has(key)) continue;
      row.node.remove();
      this.rows.delete(key);
    }
  }
}

// Runs `draw` in an animation frame, at most once every `periodMs`, however often it is asked to.
export class Repainter {
  constructor(draw, periodMs = 0) {
    this.draw = draw;
    this.periodMs = periodMs;
    this.pending = false;
    this.closed = false;
    this.lastMs = -Infinity;
  }

  ask() {
    if (this.pending || this.closed) return;
    this.pending = true;
    const waitMs = this.lastMs + this.periodMs - performance.now();
    if (waitMs > 0) setTimeout(() => this.#frame(), waitMs);
    else this.#frame();
  }

  #frame() {
    requestAnimationFrame(() => {
      this.pending = false;
      if (this.closed) return;
      this.lastMs = performance.now();
      this.draw();
    });
  }

  close() {
    this.closed = true;
  }
}
