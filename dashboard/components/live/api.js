// The API's REST routes, as the browser uses them. The session's cookie goes along where it is asked for.

const ANSWER_TIMEOUT_MS = 8000;
const NOTHING = 204;

export class ApiError extends Error {
  constructor(reason, message, { status = 0, retryAfterS = 0 } = {}) {
    super(message);
    this.reason = reason;
    this.status = status;
    this.retryAfterS = retryAfterS;
  }

  get isSignedOut() {
    return this.status === 401;
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
      body = response.status === NOTHING ? null : await response.json();
    } catch {
      throw new ApiError("unreachable", "The market did not answer.");
    }
    if (!response.ok) {
      throw new ApiError(body?.reason ?? "refused", body?.message ?? `The market answered ${response.status}.`, {
        status: response.status,
        retryAfterS: Number(response.headers.get("Retry-After")) || 0,
      });
    }
    return body;
  }

  #own(path, options = {}) {
    return this.#request(path, { ...options, credentials: "include" });
  }

  #send(path, body, method = "POST") {
    const headers = { "Content-Type": "application/json" };
    return this.#own(path, { method, headers, body: JSON.stringify(body) });
  }

  health() {
    return this.#request("/health");
  }

  ready() {
    return this.#request("/ready");
  }

  signIn(username, password) {
    return this.#send("/auth/session", { username, password });
  }

  register(username, password) {
    return this.#send("/auth/register", { username, password });
  }

  signOut() {
    return this.#own("/auth/session", { method: "DELETE" });
  }

  me() {
    return this.#own("/auth/me");
  }

  assets() {
    return this.#request("/assets");
  }

  candles(symbol, interval, limit) {
    return this.#request(`/candles/${encodeURIComponent(symbol)}?interval=${interval}&limit=${limit}`);
  }

  book(symbol, levels) {
    return this.#request(`/book/${encodeURIComponent(symbol)}?levels=${levels}`);
  }

  trades(symbol, limit) {
    return this.#request(`/trades/${encodeURIComponent(symbol)}?limit=${limit}`);
  }

  portfolio(interval, limit) {
    return this.#own(`/portfolio/history?interval=${interval}&limit=${limit}`);
  }

  preferences() {
    return this.#own("/preferences");
  }

  savePreference(name, value) {
    return this.#send(`/preferences/${name}`, { value }, "PUT");
  }

  fills(limit, startMs = null) {
    const since = startMs === null ? "" : `&start_ms=${startMs}`;
    return this.#own(`/executions?execution_type=trade&limit=${limit}${since}`);
  }

  amend(orderId, change) {
    return this.#send(`/orders/${encodeURIComponent(orderId)}`, change, "PATCH");
  }

  cancel(orderId) {
    return this.#own(`/orders/${encodeURIComponent(orderId)}`, { method: "DELETE" });
  }

  cancelAll() {
    return this.#own("/orders", { method: "DELETE" });
  }

  // What to follow (streams/wishes.js). Without a symbol it is all of them.
  market(channels, events, symbol = null) {
    return { origin: this.origin, path: "/stream", isOwn: false, who: null, channels, symbol, events };
  }

  account(user, events) {
    return { origin: this.origin, path: "/stream/account", isOwn: true, who: [user.username, user.investor_id], channels: null, symbol: null, events };
  }
}
