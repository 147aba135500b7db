// Who is signed in, in all tabs of this browser alike: they share one cookie, which scripts cannot read.
import { ApiError } from "./api.js";

const RELOAD_PERIOD_MIN_MS = 10000;
const RELOADED = "homebroker-reloaded-ms";
const tabs = new BroadcastChannel("homebroker-session");

// The page's server learns of another cookie only when the page connects anew.
tabs.addEventListener("message", () => location.reload());

export function sessionChanged() {
  tabs.postMessage("changed");
  location.reload();
}

export class Visitor {
  constructor(api, user) {
    this.api = api;
    this.user = user;
  }

  // Throws where the cookie is not that of the user whom this page was made for, and loads the page anew then.
  async confirm() {
    try {
      const { username, investor_id: investorId } = await this.api.me();
      if (username === this.user.username && investorId === this.user.investor_id) return;
    } catch (error) {
      if (!error.isSignedOut) throw error;
    }
    reloadOnce();
    throw new ApiError("signed_out", "You are not signed in any more.", { status: 401 });
  }
}

// The page's server sees the same cookie and ends up with the same answer; if it ever did not, no endless loop.
export function reloadOnce() {
  // A clock that was set back since then says that it is yet to come.
  const sinceMs = Date.now() - Number(sessionStorage.getItem(RELOADED));
  if (sinceMs >= 0 && sinceMs < RELOAD_PERIOD_MIN_MS) return;
  sessionStorage.setItem(RELOADED, String(Date.now()));
  location.reload();
}
