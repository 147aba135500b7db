// Who is signed in and how, with the way out: in the page's header.
import { Api } from "./api.js";
import { element, setText } from "./dom.js";
import { sessionChanged, Visitor } from "./visitor.js";

const CONFIRM_PERIOD_MS = 30000;

export class SignedIn {
  constructor(parent) {
    this.name = element("b");
    this.role = element("span", "hb-role");
    this.trouble = element("span", "hb-trouble");
    this.trouble.setAttribute("role", "alert");
    this.leave = element("button", "hb-quiet", "Sign out");
    this.leave.type = "button";
    this.leave.addEventListener("click", () => this.#signOut());
    this.node = element("div", "hb hb-signed-in", this.trouble, this.name, this.role, this.leave);
    parent.append(this.node);
    this.listening = new AbortController();
    const confirm = () => document.hidden || this.#confirm();
    document.addEventListener("visibilitychange", confirm, { signal: this.listening.signal });
    this.timer = setInterval(confirm, CONFIRM_PERIOD_MS);
  }

  show(data) {
    this.api ??= new Api(data.api_port);
    this.visitor = new Visitor(this.api, data.user);
    setText(this.name, data.user.username);
    setText(this.role, data.user.role);
  }

  close() {
    this.listening.abort();
    clearInterval(this.timer);
    this.node.remove();
  }

  async #confirm() {
    try {
      await this.visitor.confirm();
    } catch {
      // Somebody else, or nobody: the page loads anew. An API that is away is told by the page's own banner.
    }
  }

  async #signOut() {
    this.leave.disabled = true;
    setText(this.trouble, "");
    try {
      await this.api.signOut();
      sessionChanged();
    } catch (error) {
      this.leave.disabled = false;
      setText(this.trouble, `Not signed out: ${error.message} Try again.`);
    }
  }
}
