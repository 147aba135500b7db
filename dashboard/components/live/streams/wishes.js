// What a pane wants to follow: { origin, path, isOwn, who, channels, symbol, events }. Pure.
//
// `who` is signed in, where the stream is one's own; `channels` is null where there is no choice, `symbol` null for all.

// Wishes that one stream can serve. All symbols are never mixed with chosen ones: those want more of fewer.
export const groupOf = ({ origin, path, isOwn, who, symbol }) => JSON.stringify([origin, path, isOwn, who, symbol === null]);

// The one stream that serves wishes of a group.
export function streamOf(wishes) {
  const [{ origin, path, isOwn, channels, symbol }] = wishes;
  const together = (name) => [...new Set(wishes.flatMap((wish) => wish[name]))].sort();
  const query = new URLSearchParams();
  if (channels !== null) query.set("channels", together("channels").join(","));
  if (symbol !== null) query.set("symbols", together("symbol").join(","));
  return { url: `${origin}${path}${query.size ? "?" : ""}${query}`, isOwn, events: together("events") };
}

export function isWanted({ events, channels, symbol }, name, data) {
  if (!events.includes(name)) return false;
  if (symbol !== null && data.symbol !== symbol) return false;
  return name !== "candle" || channels.includes(`candles:${data.interval}`);
}
