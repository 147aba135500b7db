// A small line of the day's prices.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH_PX = 110;
const HEIGHT_PX = 22;

export class Sparkline {
  constructor() {
    this.node = document.createElementNS(SVG, "svg");
    this.node.setAttribute("viewBox", `0 0 ${WIDTH_PX} ${HEIGHT_PX}`);
    this.node.setAttribute("aria-hidden", "true");
    this.line = document.createElementNS(SVG, "polyline");
    this.node.append(this.line);
  }

  draw(prices, change) {
    const low = Math.min(...prices);
    const span = Math.max(...prices) - low || 1;
    const x = (index) => ((index / Math.max(1, prices.length - 1)) * WIDTH_PX).toFixed(1);
    const y = (price) => (HEIGHT_PX - 2 - ((price - low) / span) * (HEIGHT_PX - 4)).toFixed(1);
    this.line.setAttribute("points", prices.map((price, index) => `${x(index)},${y(price)}`).join(" "));
    this.node.setAttribute("class", `hb-spark ${change < 0 ? "hb-falling" : "hb-rising"}`);
  }
}
