// What lies over the plot as HTML: the last price, working orders, and the cross of lines under the pointer. It moves
// without a redraw of the plot.
import { element, KeyedRows, setClass, setText } from "../dom.js";
import * as format from "../format.js";
import { sideName, typeName } from "../words.js";
import { MARGIN } from "./figure.js";

const TAG_LEFT_PX = 8;
const TAG_WIDTH_PX = 140; // room for the longest that is usual
const TAG_HEIGHT_PX = 19;

export class Overlay {
  // onCancel(orderId): the person pressed the cross of a working order's tag.
  constructor(parent, onCancel) {
    this.parent = parent;
    this.lastLine = element("div", "hb-last-line");
    this.lastLabel = element("div", "hb-last-label");
    this.across = element("div", "hb-cross hb-cross-across");
    this.upright = element("div", "hb-cross hb-cross-upright");
    this.priceLabel = element("div", "hb-cross-label hb-cross-price");
    this.timeLabel = element("div", "hb-cross-label hb-cross-time");
    this.orders = element("div", "hb-order-lines");
    this.rows = new KeyedRows(this.orders, (order) => orderLine(order, onCancel));
    parent.append(this.across, this.upright, this.orders, this.lastLine, this.lastLabel, this.priceLabel, this.timeLabel);
    this.hideCross();
  }

  drawLast(axis, price, { decimals, rising }) {
    const pixel = pixelOf(axis, price);
    this.lastLine.hidden = this.lastLabel.hidden = pixel === null;
    if (pixel === null) return;
    const tone = rising ? "hb-rising" : "hb-falling";
    setClass(this.lastLine, `hb-last-line ${tone}`);
    setClass(this.lastLabel, `hb-last-label ${tone}`);
    setText(this.lastLabel, format.number(price, decimals));
    this.lastLine.style.transform = this.lastLabel.style.transform = `translateY(${pixel}px)`;
  }

  drawOrders(axis, orders, decimals) {
    const shown = orders
      .map((order) => ({ ...order, pixel: pixelOf(axis, order.price ?? order.stop_price) }))
      .filter(({ pixel }) => pixel !== null)
      .sort((a, b) => a.pixel - b.pixel);
    placeTags(shown, Math.max(1, Math.floor((this.parent.clientWidth - MARGIN.r) / TAG_WIDTH_PX)));
    this.rows.show(shown, (order) => order.order_id, (row, order) => {
      const price = format.number(order.price ?? order.stop_price, decimals);
      const type = order.type === "limit" ? "" : `${typeName(order.type)} `;
      setText(row.text, `${type}${sideName(order.side)} ${format.number(order.remaining_quantity)} · ${price}`);
      setClass(row.node, `hb-order-line ${order.side === "buy" ? "hb-rising" : "hb-falling"}`);
      row.node.style.transform = `translateY(${order.pixel}px)`;
      row.tag.style.left = `${TAG_LEFT_PX + order.column * TAG_WIDTH_PX}px`;
    });
  }

  // `x`, `y`: the pointer within the plot; `timeMs` of the candle under it, if there is one.
  drawCross(axis, { x, y, place, timeMs, decimals, xAxis }) {
    const inside = axis && x >= MARGIN.l && x <= this.parent.clientWidth - MARGIN.r;
    if (!inside) {
      this.hideCross();
      return;
    }
    const onPrice = y >= axis._offset && y <= axis._offset + axis._length;
    this.upright.hidden = false;
    this.across.hidden = this.priceLabel.hidden = !onPrice;
    this.upright.style.transform = `translateX(${xAxis._offset + xAxis.l2p(place)}px)`;
    this.across.style.transform = this.priceLabel.style.transform = `translateY(${y}px)`;
    if (onPrice) setText(this.priceLabel, format.number(axis.p2l(y - axis._offset), decimals));
    this.timeLabel.hidden = timeMs === undefined;
    if (timeMs === undefined) return;
    setText(this.timeLabel, format.dayAndTime(timeMs));
    this.timeLabel.style.transform = `translateX(calc(${xAxis._offset + xAxis.l2p(place)}px - 50%))`;
  }

  hideCross() {
    for (const node of [this.across, this.upright, this.priceLabel, this.timeLabel]) node.hidden = true;
  }
}

// Tags that would lie over one another stand side by side. `orders` by their height on the screen.
export function placeTags(orders, columns) {
  const bottoms = [];
  for (const order of orders) {
    const free = bottoms.findIndex((bottom) => bottom <= order.pixel);
    order.column = (free === -1 ? bottoms.length : free) % columns;
    bottoms[order.column] = order.pixel + TAG_HEIGHT_PX;
  }
}

function pixelOf(axis, price) {
  if (!axis || price === null || price === undefined) return null;
  const pixel = axis._offset + axis.l2p(price);
  return pixel >= axis._offset && pixel <= axis._offset + axis._length ? pixel : null;
}

function orderLine(order, onCancel) {
  const text = element("span");
  const cancel = element("button", "", "×");
  cancel.type = "button";
  cancel.title = "Cancel this order";
  cancel.setAttribute("aria-label", `Cancel ${sideName(order.side)} ${order.symbol} on the chart`);
  cancel.addEventListener("click", () => onCancel(order.order_id));
  const tag = element("div", "hb-order-tag", text, cancel);
  return { node: element("div", "hb-order-line", tag), tag, text };
}
