// The way in: user name and password go from the browser to the API, which answers with the session's cookie.
import { Api } from "./api.js";
import { Banner } from "./banner.js";
import { element, setText } from "./dom.js";
import { reloadOnce, sessionChanged } from "./visitor.js";

const RETRY_MS = 2000;
const TICK_MS = 250;
const SIGN_IN = { title: "Sign in", busy: "Signing in…", other: "New here? Register", autocomplete: "current-password" };
const REGISTER = { title: "Register", busy: "Registering…", other: "Sign in instead", autocomplete: "new-password" };

export class SignInPage {
  constructor(parent) {
    this.node = element("div", "hb hb-door");
    parent.append(this.node);
  }

  show(data) {
    if (this.api) return;
    this.api = new Api(data.api_port);
    this.banner = new Banner(this.node, "The market does not answer. Trying again…");
    this.#build(data.demo_users);
    this.#choose(SIGN_IN);
    this.#watch();
  }

  close() {
    clearTimeout(this.watchTimer);
    clearInterval(this.pauseTimer);
    this.banner?.close();
    this.node.remove();
  }

  #build(demoUsers) {
    this.title = element("h2");
    this.username = field("User name", { name: "username", type: "text", autocomplete: "username", maxLength: 64 });
    this.password = field("Password", { name: "password", type: "password", maxLength: 128 });
    this.trouble = element("p", "hb-trouble");
    this.trouble.setAttribute("role", "alert");
    this.button = element("button", "hb-primary");
    this.form = element("form", "hb-pane", this.title, this.username.node, this.password.node, this.trouble, this.button);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.node.append(element("h1", "", "Homebroker"), this.form);
    if (demoUsers.length) this.#buildDemo(demoUsers);
    this.username.input.focus();
  }

  #buildDemo(demoUsers) {
    this.other = element("button", "hb-link");
    this.other.type = "button";
    this.other.addEventListener("click", () => this.#choose(this.wish === SIGN_IN ? REGISTER : SIGN_IN));
    this.form.append(this.other);
    const users = demoUsers.map(({ username, password, role }) => {
      const fill = element("button", "hb-quiet", element("b", "", username), ` ${password} `, element("span", "", role));
      fill.type = "button";
      fill.addEventListener("click", () => this.#fill(username, password));
      return fill;
    });
    this.node.append(element("div", "hb-demo", element("p", "", "This is a demo with play money. Sign in as:"), ...users));
  }

  #choose(wish) {
    this.wish = wish;
    setText(this.title, wish.title);
    setText(this.button, wish.title);
    if (this.other) setText(this.other, wish.other);
    this.password.input.autocomplete = wish.autocomplete;
    setText(this.trouble, "");
  }

  #fill(username, password) {
    this.#choose(SIGN_IN);
    this.username.input.value = username;
    this.password.input.value = password;
    this.button.focus();
  }

  async #submit() {
    const username = this.username.input.value.trim();
    const password = this.password.input.value;
    if (!username || !password) {
      setText(this.trouble, "Type your user name and your password.");
      return;
    }
    this.#setBusy(true);
    setText(this.trouble, "");
    try {
      if (this.wish === REGISTER) await this.api.register(username, password);
      await this.api.signIn(username, password);
      sessionChanged();
    } catch (error) {
      this.#setBusy(false);
      this.#tell(error);
    }
  }

  #setBusy(busy) {
    this.button.disabled = busy;
    setText(this.button, busy ? this.wish.busy : this.wish.title);
  }

  #tell(error) {
    if (error.reason === "unreachable") {
      setText(this.trouble, "");
      this.#watch();
    } else if (error.retryAfterS > 0 && error.status === 429) {
      this.#pause(error.retryAfterS);
    } else {
      setText(this.trouble, error.message);
      if (error.isSignedOut) this.password.input.select();
    }
  }

  #pause(seconds) {
    const untilMs = performance.now() + 1000 * seconds;
    clearInterval(this.pauseTimer);
    const tick = () => {
      const leftS = Math.ceil((untilMs - performance.now()) / 1000);
      this.button.disabled = leftS > 0;
      setText(this.trouble, leftS > 0 ? `Too many attempts that failed. Try again in ${leftS} s.` : "You can try again now.");
      if (leftS <= 0) clearInterval(this.pauseTimer);
    };
    this.pauseTimer = setInterval(tick, TICK_MS);
    tick();
  }

  // The banner stands for as long as the API is away, and goes by itself.
  async #watch() {
    clearTimeout(this.watchTimer);
    try {
      await this.api.health();
      this.banner.set("market", true);
    } catch {
      this.banner.set("market", false);
      this.watchTimer = setTimeout(() => this.#watch(), RETRY_MS);
      return;
    }
    this.#enterIfSignedIn();
  }

  // Another tab may have signed in while this one was loading, when nobody here could hear of it.
  async #enterIfSignedIn() {
    try {
      await this.api.me();
    } catch {
      return; // nobody is signed in, or the market is away again
    }
    reloadOnce();
  }
}

function field(label, attributes) {
  const input = element("input");
  Object.assign(input, attributes, { autocapitalize: "none", spellcheck: false, required: true });
  return { input, node: element("label", "", element("span", "", label), input) };
}
