// Notices that a stream has fallen silent. A browser holds a connection for open, without end, that a sleeping laptop, a router or
// a proxy has let go: nothing comes, and nothing says so.
//
// The server beats, quiet market or not, and tells how often: a few beats missed, and the connection is taken for dead.
const BEATS = 3;
const SILENCE_MAX_MS = 45000; // until a beat has told
const EVERY_MIN_MS = 50;
const EVERY_MAX_MS = 60000;
const LOOKS = 9; // in the longest silence that there may be: a machine that wakes finds out within seconds

export class Silence {
  // onSilent(), once for each begin(). Of two clocks one does not go on while a machine sleeps, and one may be set.
  constructor(onSilent, { maxMs = SILENCE_MAX_MS, clocks = [() => performance.now(), () => Date.now()] } = {}) {
    Object.assign(this, { onSilent, maxMs, clocks });
  }

  begin(maxMs = this.maxMs) {
    this.end();
    this.limitMs = maxMs;
    this.heard();
    this.timer = setInterval(() => this.look(), maxMs / LOOKS);
  }

  heard() {
    this.heardMs = this.clocks.map((now) => now());
  }

  // A beat is here, and so often the next ones will be.
  beat(everyMs) {
    const isTold = everyMs >= EVERY_MIN_MS && everyMs <= EVERY_MAX_MS;
    const maxMs = isTold ? BEATS * everyMs : this.maxMs;
    this.maxMs = maxMs;
    if (maxMs !== this.limitMs) this.begin(maxMs);
    else this.heard();
  }

  end() {
    clearInterval(this.timer);
  }

  look() {
    if (this.clocks.every((now, index) => now() - this.heardMs[index] < this.limitMs)) return;
    this.end();
    this.onSilent();
  }
}
