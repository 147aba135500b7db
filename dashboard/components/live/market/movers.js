// Who rose and fell most today, and what was traded most.
import { element, KeyedRows, setClass, setText } from "../dom.js";
import * as format from "../format.js";

const SHOWN = 4;
const worth = (ticker) => ticker.volume * (ticker.last_price ?? 0);
const LISTS = {
  Rising: { pick: (tickers) => tickers.filter(({ change_percent: moved }) => moved > 0).sort((a, b) => b.change_percent - a.change_percent) },
  Falling: { pick: (tickers) => tickers.filter(({ change_percent: moved }) => moved < 0).sort((a, b) => a.change_percent - b.change_percent) },
  "Most traded": { pick: (tickers) => tickers.filter((ticker) => ticker.volume > 0).sort((a, b) => worth(b) - worth(a)), told: (ticker) => `R$ ${format.short(worth(ticker))}` },
};

export class Movers {
  constructor(onOpen) {
    this.lists = Object.entries(LISTS).map(([title, list]) => {
      const body = element("div");
      const none = element("p", "hb-none", "None so far.");
      return { ...list, none, rows: new KeyedRows(body, (ticker) => makeRow(ticker, onOpen)), node: element("section", "", element("h4", "", title), body, none) };
    });
    this.node = element("div", "hb-movers", ...this.lists.map(({ node }) => node));
  }

  draw(tickers) {
    for (const { pick, told, rows, none } of this.lists) {
      const shown = pick(tickers).slice(0, SHOWN);
      none.hidden = shown.length > 0;
      rows.show(shown, (ticker) => ticker.symbol, (row, ticker) => {
        setText(row.last, format.number(ticker.last_price, format.decimalsOf(ticker.tick_size)));
        setText(row.told, told ? told(ticker) : format.percent(ticker.change_percent));
        setClass(row.told, told ? "" : format.direction(ticker.change_percent));
      });
    }
  }
}

function makeRow(ticker, onOpen) {
  const last = element("span");
  const told = element("span");
  const node = element("button", "hb-mover", element("b", "", ticker.symbol), last, told);
  node.type = "button";
  node.addEventListener("click", () => onOpen(ticker.symbol));
  return { node, last, told };
}
