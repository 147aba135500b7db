// What happened to an order, as a sentence; its terms in the words of the pages of tables (names.py).
import * as format from "./format.js";

const TYPES = {
  limit: "Limit",
  market: "Market",
  market_to_limit: "Mkt to limit",
  stop: "Stop",
  stop_limit: "Stop limit",
};

const TIMES_IN_FORCE = { day: "Day", gtc: "Until canceled", gtd: "Until a date", ioc: "Now or cancel the rest", fok: "All now or nothing", at_open: "At the opening", at_close: "At the close" };

const WAITING_TYPES = new Set(["limit", "stop", "stop_limit"]);
const WAITING_TIMES = new Set(["day", "gtc", "gtd"]);
const PHASES = { continuous: "Open", auction: "Auction", halted: "Halted", closed: "Closed" };

export const phaseName = (phase) => PHASES[phase] ?? "";
export const timeInForceName = (timeInForce) => TIMES_IN_FORCE[timeInForce] ?? timeInForce ?? "";
// What the phase does to an order of the ticket's, where that is not to be taken at once; the engine's own rules (docs/rules.md).
export function phaseNote(phase, { symbol, type, time_in_force: lasts }) {
  if (phase === "halted" || phase === "closed") return `${symbol} is ${phase}: it takes no orders or changes now, only cancels.`;
  if (phase === "auction") {
    if (lasts === "at_open" || lasts === "at_close") return `${symbol} is in an auction, which takes this order too.`;
    const waits = WAITING_TYPES.has(type) && WAITING_TIMES.has(lasts);
    if (waits) return `${symbol} is in an auction: orders wait for each other, and trade at one price when it ends.`;
    return `${symbol} is in an auction, which takes no order that is to trade at once: choose a limit or stop order, for the day, until canceled or until a date.`;
  }
  if (phase === "continuous" && lasts === "at_open") return `${symbol} trades already, and orders for the opening are taken in the auction before that: choose another time.`;
  return "";
}

// Of which time is what a page shows whose stream is broken; null where nothing was there before.
export function reconnecting(sinceMs) {
  const age = sinceMs === null ? "What you see may be out of date." : `What you see is of ${format.when(sinceMs)}.`;
  return `Reconnecting to the market… ${age}`;
}

// How long an order is in force, with the date of one that has its own; older orders did not say theirs.
export const lastingName = ({ time_in_force: lasts, expires_at_ms: untilMs }) => (untilMs ? `Until ${format.moment(untilMs)}` : timeInForceName(lasts));
// How much of an iceberg the book shows at a time.
export const shownName = ({ display_quantity: shown }) => (shown ? `shows ${format.number(shown)}` : "");
export const typeName = (type) => TYPES[type] ?? type ?? "";
export const sideName = (side) => (side === "buy" ? "Buy" : side === "sell" ? "Sell" : "");

const AMOUNT = /(?<![\w.])\d+\.\d{1,4}(?![\w.]*\d)/g;
// Not an order's id, which may be all digits.
const WHOLE = /(?<!order )(?<![\w.,:$-])\d{4,}(?![\w-]|[.,]\d)/g;
const FIELD = / \(\w+_\w+\)/g;
// Accounts are kept to the hundredth of a centavo, which nobody pays: what is needed is told upwards, what is free downwards.
const CASH = /(\d+\.\d{3,4})( in cash| with its fee| is free)\b/g;
const TIMES_TOLD = {
  "day, gtc or gtd": "good for the day, until canceled or until a date",
  "at_open or at_close": "for the opening or the close",
  "at_open orders": "orders for the opening",
};

// The engine's sentences are for programs too: here amounts are in reais, shares in full, and fields have no names.
export function sentence(message) {
  const text = Object.entries(TIMES_TOLD).reduce((told, [times, what]) => told.replaceAll(times, what), message.replace(FIELD, ""));
  const cash = text.replace(CASH, (_, amount, what) => wholeCentavos(amount, what === " is free") + what);
  const priced = cash.replace(AMOUNT, (amount) => {
    const decimals = Math.max(2, amount.split(".")[1].length);
    return `R$\u00a0${format.number(Number(amount), decimals)}`;
  });
  return priced.replace(WHOLE, (count) => format.number(Number(count)));
}

function wholeCentavos(amount, isFree) {
  const parts = Math.round(Number(amount) * 10000) / 100;
  return ((isFree ? Math.floor(parts) : Math.ceil(parts)) / 100).toFixed(2);
}

// What the trades of an order come to: those told before, if any, and one more.
export function addTrade(told, execution) {
  const quantity = (told?.quantity ?? 0) + execution.last_quantity;
  const value = (told?.value ?? 0) + execution.last_quantity * execution.last_price;
  return { quantity, value, decimals: Math.max(told?.decimals ?? 0, format.decimalsOf(execution.last_price)) };
}

// A toast for an execution, or null when nobody needs to be told; `traded` is what its order's trades come to.
export function executionToast(execution, traded = null) {
  const order = `${sideName(execution.side)} ${format.number(execution.quantity)} ${execution.symbol}`.trim();
  if (execution.execution_type === "trade") {
    const did = execution.side === "buy" ? "Bought" : "Sold";
    const { quantity, value, decimals } = traded ?? addTrade(null, execution);
    const what = `${did} ${format.number(quantity)} ${execution.symbol}`;
    const price = format.number(value / quantity, decimals);
    const rest = execution.remaining_quantity;
    const open = execution.status === "partially_filled" ? `${format.number(rest)} to go` : "order filled";
    return { kind: execution.side === "buy" ? "up" : "down", title: `${what} at R$ ${price}`, detail: open };
  }
  if (execution.execution_type === "triggered") {
    // An auction's end says at once what became of the order.
    if (execution.stop_price === null || execution.stop_price === undefined) return null;
    return { kind: "info", title: `Stop reached: ${order}`, detail: "The order is in the market now." };
  }
  // The second half of a double click, or a retry: one order, and nothing to tell.
  if (execution.reason === "duplicate_order_id") return null;
  if (execution.execution_type === "rejected") {
    return { kind: "bad", title: `Rejected: ${order}`, detail: sentence(execution.message ?? execution.reason ?? "") };
  }
  if (execution.execution_type === "expired") {
    const rest = `${sideName(execution.side)} ${format.number(execution.remaining_quantity ?? execution.quantity)} ${execution.symbol}`;
    return { kind: "info", title: `Expired: ${rest}`, detail: sentence(execution.message ?? "") };
  }
  return null;
}
