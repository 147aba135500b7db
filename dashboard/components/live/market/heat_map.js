// A tile for each symbol: as large as what was traded today is worth, as red or green as the price has moved.
import { element, KeyedRows, setText } from "../dom.js";
import * as format from "../format.js";

const FULL_COLOUR_PERCENT = 3;
const LEAST_SHARE = 0.02; // a tile that nothing was traded in can still be read

export class HeatMap {
  constructor(onOpen) {
    this.node = element("div", "hb-heat");
    this.rows = new KeyedRows(this.node, (tile) => makeTile(tile, onOpen));
    this.resizing = new ResizeObserver(() => this.draw(this.tickers ?? []));
    this.resizing.observe(this.node);
  }

  draw(tickers) {
    this.tickers = tickers;
    const { clientWidth: width, clientHeight: height } = this.node;
    if (!width || !height) return;
    const worth = tickers.map((ticker) => ({ ticker, size: ticker.volume * (ticker.last_price ?? ticker.reference_price) }));
    const least = worth.reduce((sum, { size }) => sum + size, 0) * LEAST_SHARE || 1;
    const sized = worth.map(({ ticker, size }) => ({ ticker, size: Math.max(size, least) })).sort((a, b) => b.size - a.size);
    this.rows.show(tiles(sized, { x: 0, y: 0, width, height }), ({ ticker }) => ticker.symbol, fillTile);
  }

  close() {
    this.resizing.disconnect();
  }
}

// Squarified: rows along the shorter side, each closed as soon as another tile would make its tiles longer.
// Bruls, Huizing, van Wijk: Squarified treemaps (2000).
export function tiles(sized, room) {
  const total = sized.reduce((sum, { size }) => sum + size, 0);
  const scale = total ? (room.width * room.height) / total : 0;
  const waiting = sized.map(({ ticker, size }) => ({ ticker, area: size * scale }));
  const placed = [];
  let rest = { ...room };
  while (waiting.length) {
    const side = Math.min(rest.width, rest.height);
    let count = 1;
    while (count < waiting.length && longest(waiting.slice(0, count + 1), side) <= longest(waiting.slice(0, count), side)) count += 1;
    rest = place(waiting.splice(0, count), rest, placed);
  }
  return placed;
}

function longest(row, side) {
  const area = row.reduce((sum, tile) => sum + tile.area, 0);
  const areas = row.map((tile) => tile.area);
  return Math.max((side ** 2 * Math.max(...areas)) / area ** 2, area ** 2 / (side ** 2 * Math.min(...areas)));
}

function place(row, rest, placed) {
  const area = row.reduce((sum, tile) => sum + tile.area, 0);
  const upright = rest.width >= rest.height;
  const depth = area / (upright ? rest.height : rest.width);
  let along = 0;
  for (const { ticker, area: own } of row) {
    const length = own / depth;
    placed.push(
      upright
        ? { ticker, x: rest.x, y: rest.y + along, width: depth, height: length }
        : { ticker, x: rest.x + along, y: rest.y, width: length, height: depth },
    );
    along += length;
  }
  return upright
    ? { x: rest.x + depth, y: rest.y, width: rest.width - depth, height: rest.height }
    : { x: rest.x, y: rest.y + depth, width: rest.width, height: rest.height - depth };
}

function makeTile({ ticker }, onOpen) {
  const change = element("span");
  const node = element("button", "hb-tile", element("b", "", ticker.symbol), change);
  node.type = "button";
  node.addEventListener("click", () => onOpen(ticker.symbol));
  return { node, change };
}

function fillTile({ node, change }, { ticker, x, y, width, height }) {
  const moved = ticker.change_percent ?? 0;
  const strength = Math.round(Math.min(1, Math.abs(moved) / FULL_COLOUR_PERCENT) * 70 + (moved ? 12 : 0));
  const colour = moved < 0 ? "--hb-tile-down" : "--hb-tile-up";
  node.style.background = `color-mix(in srgb, var(${colour}) ${strength}%, var(--hb-chosen))`;
  Object.assign(node.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
  node.style.fontSize = `${Math.max(9, Math.min(18, width / 6, height / 3)).toFixed(0)}px`;
  setText(change, format.percent(moved));
}
