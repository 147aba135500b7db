// Cash and positions as the account stream tells them, valued at the last prices.

export class Holdings {
  constructor() {
    this.account = null; // null until it is known, and for as long as the account is not open
    this.positions = new Map();
    this.prices = new Map();
  }

  load({ account, positions }) {
    this.account = account && { cash: account.cash, held: account.held_cash, tradingDisabled: account.trading_disabled };
    this.positions = new Map(positions.map((position) => [position.symbol, position]));
    for (const position of positions) this.#price(position.symbol, position.last_price);
  }

  // A record carries the balances and those positions that the command changed.
  apply(record) {
    const tradingDisabled = record.trading_disabled ?? this.account?.tradingDisabled;
    this.account = { cash: record.cash, held: record.held_cash, tradingDisabled };
    for (const position of record.positions) this.positions.set(position.symbol, position);
  }

  setPrices(tickers) {
    for (const ticker of tickers) this.#price(ticker.symbol, ticker.last_price ?? ticker.reference_price);
  }

  #price(symbol, price) {
    if (price !== null && price !== undefined) this.prices.set(symbol, price);
  }

  // Positions by symbol, each with what it is worth and has earned so far; closed ones only where asked for.
  valued({ closed = false } = {}) {
    return [...this.positions.values()]
      .filter((position) => position.quantity !== 0 || (closed && position.realized_profit !== 0))
      .sort((a, b) => a.symbol.localeCompare(b.symbol))
      .map((position) => valued(position, this.prices.get(position.symbol)));
  }

  // Shares that no open order holds.
  free(symbol) {
    const position = this.positions.get(symbol);
    return position ? Math.max(0, position.quantity - position.held_quantity) : 0;
  }

  // Null while the account is unknown.
  totals() {
    if (!this.account) return null;
    const { cash, held } = this.account;
    const positions = this.valued();
    const sum = (items, name) => items.reduce((total, item) => total + (item[name] ?? 0), 0);
    return {
      cash,
      held,
      available: cash - held,
      equity: cash + sum(positions, "value"),
      unrealized: sum(positions, "profit"),
      realized: sum([...this.positions.values()], "realized_profit"),
    };
  }
}

function valued(position, price) {
  const { quantity, average_price: average } = position;
  const value = price === undefined ? null : quantity * price;
  const priced = value !== null && average !== null;
  const profit = priced ? quantity * (price - average) : null;
  return { ...position, price, value, profit, profitShare: priced && average ? (profit / Math.abs(quantity * average)) * 100 : null };
}
