// The streams of all pages of a browser, which opens only six connections to a server, however many tabs there are.
//
//   page ─┐                      ┌─ one stream of the chosen symbols
//   page ─┼─ wishes ─► groups ───┼─ one of all symbols
//   page ─┘                      └─ one of each user's own
//
// Whoever joins needs the whole book and the account as it is, which streams open with: so each joining opens the group's stream
// anew, for everybody, and "open" tells each pane to load its history again. Nobody sees a break.
import { Source } from "./source.js";
import { groupOf, isWanted, streamOf } from "./wishes.js";

const TOGETHER_MS = 30; // who comes within so long is served by one opening

export class Hub {
  constructor(makeSource = (handlers) => new Source(handlers)) {
    this.makeSource = makeSource;
    this.groups = new Map();
  }

  // A page's port. It says: alive (with a lock that it holds for life), follow, again, leave, bye, ping.
  connect(port) {
    const followers = new Map();
    const leave = (id) => {
      followers.get(id)?.leave();
      followers.delete(id);
    };
    const leaveAll = () => [...followers.keys()].forEach(leave);
    const acts = {
      // A tab that crashes says no goodbye, but loses its lock.
      alive: ({ lock }) => navigator.locks.request(lock, leaveAll),
      follow: ({ id, wish }) => followers.set(id, this.#join(wish, (message) => port.postMessage({ id, ...message }))),
      again: ({ id }) => followers.get(id)?.again(),
      leave: ({ id }) => leave(id),
      bye: leaveAll,
      ping: () => port.postMessage({ kind: "pong" }),
    };
    port.onmessage = ({ data }) => acts[data.kind](data);
    port.postMessage({ kind: "pong" });
  }

  #join(wish, tell) {
    const key = groupOf(wish);
    if (!this.groups.has(key)) this.groups.set(key, this.#group());
    const group = this.groups.get(key);
    const follower = { wish, tell };
    group.followers.add(follower);
    group.timer ??= setTimeout(() => {
      group.timer = null;
      group.source.open(streamOf([...group.followers].map((each) => each.wish)));
    }, TOGETHER_MS);
    const leave = () => {
      group.followers.delete(follower);
      if (group.followers.size || this.groups.get(key) !== group) return;
      clearTimeout(group.timer);
      group.source.close();
      this.groups.delete(key);
    };
    return { leave, again: () => group.source.again() };
  }

  #group() {
    const followers = new Set();
    const tellAll = (message) => followers.forEach(({ tell }) => tell(message));
    const source = this.makeSource({
      onOpen: () => tellAll({ kind: "open" }),
      onBroken: (lastMs) => tellAll({ kind: "broken", lastMs }),
      onEvent: (name, data) => followers.forEach(({ wish, tell }) => isWanted(wish, name, data) && tell({ kind: "event", name, data })),
    });
    return { followers, source, timer: null };
  }
}
