// Entry of the live panes: Streamlit calls mount() again after every run of the page's script.
import { AccountPage } from "./account_page.js";
import { MarketPage } from "./market/market_page.js";
import { SignedIn } from "./signed_in.js";
import { SignInPage } from "./sign_in_page.js";
import { TicketNotes } from "./ticket_notes.js";
import { TradePage } from "./trade_page.js";

const PAGES = { account: AccountPage, market: MarketPage, sign_in: SignInPage, signed_in: SignedIn, ticket_notes: TicketNotes, trade: TradePage };
const pages = new WeakMap();

export function mount({ data, parentElement, setTriggerValue }) {
  let page = pages.get(parentElement);
  if (!page) {
    page = new PAGES[data.page](parentElement);
    pages.set(parentElement, page);
  }
  const call = Symbol("call");
  page.lastCall = call;
  page.show(data, (choice) => setTriggerValue("chosen", choice));
  return () => {
    // React may clean up an older call after, or just before, a newer one: only the last one's clean-up counts.
    setTimeout(() => {
      if (page.lastCall === call) {
        page.close();
        pages.delete(parentElement);
      }
    }, 0);
  };
}
