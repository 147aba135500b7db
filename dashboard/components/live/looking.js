// Asks again and again, but only while somebody looks at the page; whoever comes back to it is served at once.
export class Looking {
  // look() asks, and gives how many milliseconds to wait then, where that is not `periodMs`. The first time is now, seen or not.
  constructor(look, periodMs) {
    Object.assign(this, { look, periodMs });
    this.onShown = () => performance.now() >= this.dueMs && this.#due();
    document.addEventListener("visibilitychange", this.onShown);
    this.again();
  }

  // Now, in place of the next time.
  async again() {
    clearTimeout(this.timer);
    const turn = Symbol("turn");
    this.turn = turn;
    this.dueMs = Infinity;
    const waitMs = (await this.look()) ?? this.periodMs;
    if (this.turn !== turn) return;
    this.dueMs = performance.now() + waitMs;
    this.timer = setTimeout(() => this.#due(), waitMs);
  }

  close() {
    this.turn = null;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.onShown);
  }

  #due() {
    if (!document.hidden) this.again();
  }
}
