// The API's REST routes, as the browser uses them.

const ANSWER_TIMEOUT_MS = 8000;

export class ApiError extends Error {
  constructor(reason, message) {
    super(message);
    this.reason = reason;
  }
}

export class Api {
  constructor(port) {
    this.origin = `${location.protocol}//${location.hostname}:${port}`;
  }

  async #request(path, options = {}) {
    let response;
    let body;
    try {
      response = await fetch(this.origin + path, { ...options, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
      body = await response.json();
    } catch {
      throw new ApiError("unreachable", "The market did not answer.");
    }
    if (!response.ok) {
      throw new ApiError(body?.reason ?? "refused", body?.message ?? `The market answered ${response.status}.`);
    }
    return body;
  }

  assets() {
    return this.#request("/assets");
  }

  candles(symbol, interval, limit) {
    return this.#request(`/candles/${encodeURIComponent(symbol)}?interval=${interval}&limit=${limit}`);
  }

  trades(symbol, limit) {
    return this.#request(`/trades/${encodeURIComponent(symbol)}?limit=${limit}`);
  }

  cancel(orderId) {
    return this.#request(`/orders/${encodeURIComponent(orderId)}`, { method: "DELETE" });
  }

  cancelAll() {
    return this.#request("/orders", { method: "DELETE" });
  }

  // Without a symbol it is all of them.
  streamUrl(channels, symbol = null) {
    const query = new URLSearchParams({ channels: channels.join(",") });
    if (symbol !== null) query.set("symbols", symbol);
    return `${this.origin}/stream?${query}`;
  }

  accountStreamUrl() {
    return `${this.origin}/stream/account`;
  }
}
