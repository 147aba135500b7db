// What happened to an order, as a sentence.
import * as format from "./format.js";

const TYPES = {
  limit: "Limit",
  market: "Market",
  market_to_limit: "Mkt to limit",
  stop: "Stop",
  stop_limit: "Stop limit",
};

const TIMES_IN_FORCE = { day: "Day", gtc: "Until canceled", gtd: "Until a date", ioc: "Now or cancel", fok: "All or nothing", at_open: "At the opening", at_close: "At the close" };

const PHASES = { continuous: "Open", auction: "Auction", halted: "Halted", closed: "Closed" };

export const phaseName = (phase) => PHASES[phase] ?? "";
export const timeInForceName = (timeInForce) => TIMES_IN_FORCE[timeInForce] ?? timeInForce ?? "";
export const typeName = (type) => TYPES[type] ?? type ?? "";
export const sideName = (side) => (side === "buy" ? "Buy" : side === "sell" ? "Sell" : "");

const AMOUNT = /(?<![\w.])\d+\.\d{1,4}(?![\w.]*\d)/g;
// Not an order's id, which may be all digits.
const WHOLE = /(?<!order )(?<![\w.,:$-])\d{4,}(?![\w-]|[.,]\d)/g;
const FIELD = / \(\w+_\w+\)/g;

// The engine's sentences are for programs too: here amounts are in reais, shares in full, and fields have no names.
export function sentence(message) {
  const priced = message.replace(FIELD, "").replace(AMOUNT, (amount) => {
    const decimals = Math.max(2, amount.split(".")[1].length);
    return `R$\u00a0${format.number(Number(amount), decimals)}`;
  });
  return priced.replace(WHOLE, (count) => format.number(Number(count)));
}

// A toast for an execution, or null when nobody needs to be told.
export function executionToast(execution) {
  const order = `${sideName(execution.side)} ${format.number(execution.quantity)} ${execution.symbol}`.trim();
  if (execution.execution_type === "trade") {
    const did = execution.side === "buy" ? "Bought" : "Sold";
    const what = `${did} ${format.number(execution.last_quantity)} ${execution.symbol}`;
    const rest = execution.remaining_quantity;
    const open = execution.status === "partially_filled" ? `${format.number(rest)} to go` : "order filled";
    return { kind: execution.side === "buy" ? "up" : "down", title: `${what} at R$ ${price(execution)}`, detail: open };
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
    return { kind: "info", title: `Expired: ${order}`, detail: sentence(execution.message ?? "") };
  }
  return null;
}

function price(execution) {
  return format.number(execution.last_price, format.decimalsOf(execution.last_price ?? 0));
}
