// Who is signed in and how, with the way out: in the page's header.
import { Api } from "./api.js";
import { Banner } from "./banner.js";
import { element, setText } from "./dom.js";
import { ServerLink } from "./server_link.js";
import { Standing } from "./standing.js";
import { sessionChanged, Visitor } from "./visitor.js";

const CONFIRM_PERIOD_MS = 30000;
const SERVER_AWAY = "Reconnecting to this page's server… Until it is back, forms send nothing; prices and orders go on.";

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
    // What concerns every page is told in the header that all of them have.
    this.banner = new Banner(this.node, "", "hb-alert");
    this.server = new ServerLink({
      app: document.querySelector(".stApp"),
      onConnected: (isConnected) => this.banner.set("server", isConnected, SERVER_AWAY),
      rerun: () => this.choose({ connected_ms: Date.now() }),
      reload: () => location.reload(),
    });
    this.listening = new AbortController();
    const confirm = () => document.hidden || this.#confirm();
    document.addEventListener("visibilitychange", confirm, { signal: this.listening.signal });
    this.timer = setInterval(confirm, CONFIRM_PERIOD_MS);
  }

  show(data, choose) {
    this.choose = choose;
    this.server.show(data.visit);
    this.api ??= new Api(data.api_port);
    this.standing ??= new Standing(this.api, (sentence) => this.banner.set("market", !sentence, sentence));
    this.visitor = new Visitor(this.api, data.user);
    setText(this.name, data.user.username);
    setText(this.role, data.user.role);
  }

  close() {
    this.listening.abort();
    clearInterval(this.timer);
    for (const part of [this.server, this.standing, this.banner]) part?.close();
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
