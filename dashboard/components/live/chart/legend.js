// The figures above the chart, of the candle under the pointer or the newest: over the prices, and in each study's pane its own.
import { element, showFigures } from "../dom.js";
import * as format from "../format.js";

const ROOM_PX = 5; // above and below the figures

export class Legend {
  constructor(parent) {
    this.parent = parent;
    this.node = element("div", "hb-figures");
    this.panes = [];
    this.room = 0;
    parent.append(this.node);
  }

  // The plot begins below the figures. Room once needed is kept until `forget`: the plot must not jump as the pointer moves.
  get top() {
    this.room = Math.max(this.room, this.node.offsetHeight);
    return this.room + 2 * ROOM_PX;
  }

  forget() {
    this.room = 0;
  }

  // `studies`: what is drawn, its values beginning at the place `from`; `axes`: of the panes below the prices, bottom first.
  draw({ candle, place, decimals, interval, studies, from, axes }) {
    if (!candle) {
      for (const node of [this.node, ...this.panes]) node.replaceChildren();
      return;
    }
    const figuresOf = ({ lines }) =>
      lines.filter(({ bars }) => !bars).map(({ name, y, colour }) => [name, format.number(y[place - from], decimals), "", colour]);
    const below = studies.filter(({ pane }) => pane);
    const over = studies.filter(({ pane }) => !pane);
    showFigures(this.node, [...candleFigures(candle, decimals, interval), ...over.flatMap(figuresOf)]);
    while (this.panes.length > below.length) this.panes.pop().remove();
    while (this.panes.length < below.length) {
      this.panes.push(element("div", "hb-figures"));
      this.parent.append(this.panes.at(-1));
    }
    below.forEach((study, index) => {
      showFigures(this.panes[index], figuresOf(study));
      this.panes[index].hidden = !axes[index];
      if (axes[index]) this.panes[index].style.top = `${axes[index]._offset}px`;
    });
  }
}

function candleFigures(candle, decimals, interval) {
  const change = candle.close - candle.open;
  const tone = format.direction(change);
  const price = (letter, value) => [letter, format.number(value, decimals), tone];
  return [
    ["", candleTime(candle.time_ms, interval), ""],
    price("O", candle.open),
    price("H", candle.high),
    price("L", candle.low),
    price("C", candle.close),
    ["", `${format.signed(change, decimals)} (${format.percent((change / candle.open) * 100)})`, tone],
    ["Vol", format.short(candle.volume), ""],
  ];
}

function candleTime(timeMs, interval) {
  if (interval.endsWith("s")) return format.dayAndTime(timeMs);
  return interval.endsWith("d") ? format.day(timeMs) : format.dayAndMinute(timeMs);
}
