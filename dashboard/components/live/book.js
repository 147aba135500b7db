// A symbol's price levels, kept by a chain of changes: each names the one before it.

export class Book {
  constructor() {
    this.clear();
  }

  clear() {
    this.offset = null;
    this.sides = { bids: new Map(), asks: new Map() };
  }

  replace(snapshot) {
    this.clear();
    this.offset = snapshot.offset;
    this.#write(snapshot);
  }

  // Returns false when a change before this one never came.
  apply(change) {
    if (this.offset === null) return false;
    if (change.offset <= this.offset) return true;
    if (change.previous_offset > this.offset) return false;
    this.offset = change.offset;
    this.#write(change);
    return true;
  }

  #write(levels) {
    for (const side of ["bids", "asks"]) {
      for (const [price, quantity, orderCount] of levels[side]) {
        if (quantity === 0) this.sides[side].delete(price);
        else this.sides[side].set(price, { price, quantity, orderCount });
      }
    }
  }

  // The best `count` levels of a side, best first, each with the quantity up to it.
  best(side, count) {
    const sign = side === "bids" ? -1 : 1;
    const levels = [...this.sides[side].values()].sort((a, b) => sign * (a.price - b.price)).slice(0, count);
    let total = 0;
    return levels.map((level) => ({ ...level, total: (total += level.quantity) }));
  }
}
