// Says aloud, to those who listen to the page, what became of an order: Streamlit shows it, and announces nothing.
import { element, setText } from "./dom.js";

const OUTCOME = '.st-key-ticket [data-testid="stAlert"]';
// Asked for now and then: watching for changes would be called at every tick of the panes.
const PERIOD_MS = 300;

export class TicketVoice {
  constructor(parent) {
    this.node = element("div", "hb-unseen");
    this.node.setAttribute("role", "status");
    this.node.setAttribute("aria-live", "assertive");
    parent.append(this.node);
    this.timer = setInterval(() => setText(this.node, document.querySelector(OUTCOME)?.textContent ?? ""), PERIOD_MS);
  }

  close() {
    clearInterval(this.timer);
  }
}
