// What happened to an order, as a sentence.
import * as format from "./format.js";

const TYPES = {
  limit: "Limit",
  market: "Market",
  market_to_limit: "Mkt to limit",
  stop: "Stop",
  stop_limit: "Stop limit",
};

export const typeName = (type) => TYPES[type] ?? type ?? "";
export const sideName = (side) => (side === "buy" ? "Buy" : side === "sell" ? "Sell" : "");

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
  // The second half of a double click, or a retry: one order, and nothing to tell.
  if (execution.reason === "duplicate_order_id") return null;
  if (execution.execution_type === "rejected") {
    return { kind: "bad", title: `Rejected: ${order}`, detail: execution.message ?? execution.reason ?? "" };
  }
  if (execution.execution_type === "expired") {
    return { kind: "info", title: `Expired: ${order}`, detail: execution.message ?? "" };
  }
  return null;
}

function price(execution) {
  return format.number(execution.last_price, format.decimalsOf(execution.last_price ?? 0));
}
