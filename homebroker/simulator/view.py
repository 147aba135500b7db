"""What a simulated investor sees: the market's books and prices, and its own orders.

Both are fed by the market's events, which come from a shard in memory or from Kafka: the same classes
serve the warm-up and the live market.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from engine.domain import (
    OPEN_STATUSES,
    Amend,
    BookChanged,
    Cancel,
    Command,
    Execution,
    ExecutionType,
    OrderType,
    Place,
    Side,
    TimeInForce,
    Trade,
)

_FAST_SECONDS = 20.0
_SLOW_SECONDS = 240.0


@dataclass(slots=True)
class SymbolView:
    """One symbol as it stands: shares resting at each price, the last price and where it is heading."""

    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)
    last_price_units: int | None = None
    _fast_units: float = 0.0
    _slow_units: float = 0.0
    _trade_ms: int = 0

    def best(self, side: Side) -> int | None:
        """Give the best price of a side, or None. Cost O(levels)."""
        if side is Side.BUY:
            return max(self.bids, default=None)
        return min(self.asks, default=None)

    @property
    def trend_units(self) -> float:
        """How far recent prices are above (or, negative, below) those of the last minutes."""
        return self._fast_units - self._slow_units

    def book_changed(self, change: BookChanged) -> None:
        """Take in changed price levels."""
        for shares, levels in ((self.bids, change.bids), (self.asks, change.asks)):
            if change.snapshot:
                shares.clear()
            for level in levels:
                if level.quantity:
                    shares[level.price_units] = level.quantity
                else:
                    shares.pop(level.price_units, None)

    def traded(self, price_units: int, time_ms: int) -> None:
        """Take in a trade."""
        if self.last_price_units is None:
            self._fast_units = self._slow_units = price_units
        seconds = max(0.0, (time_ms - self._trade_ms) / 1000)
        self._fast_units += (price_units - self._fast_units) * -math.expm1(-seconds / _FAST_SECONDS)
        self._slow_units += (price_units - self._slow_units) * -math.expm1(-seconds / _SLOW_SECONDS)
        self._trade_ms = time_ms
        self.last_price_units = price_units


class MarketView:
    """All symbols as the investors see them."""

    def __init__(self) -> None:
        self._symbols: dict[str, SymbolView] = {}

    def symbol(self, symbol: str) -> SymbolView:
        """Give one symbol's view, empty when nothing was seen of it."""
        return self._symbols.setdefault(symbol, SymbolView())

    def observe(self, event: object, time_ms: int) -> None:
        """Take in an event of the market; those about single orders tell nothing here."""
        match event:
            case Trade():
                self.symbol(event.symbol).traded(event.price_units, time_ms)
            case BookChanged():
                self.symbol(event.symbol).book_changed(event)


@dataclass(slots=True)
class OwnOrder:
    """An open order of one's own, as last heard or asked for."""

    order_id: str
    symbol: str
    side: Side
    price_units: int
    quantity: int
    filled_quantity: int = 0


class OwnOrders:
    """One investor's open orders and inventory.

    What is sent counts as done until the market says otherwise, so nothing is asked for twice.

    Parameters
    ----------
    investor_id : str
        Whose orders these are.
    run : str
        A part of every order id, different at every start, so that ids never repeat.
    """

    def __init__(self, investor_id: str, run: str) -> None:
        self.investor_id = investor_id
        self._prefix = f"{investor_id}-{run}-"
        self._placed = 0
        self._orders: dict[str, dict[str, OwnOrder]] = {}
        self._symbol_of: dict[str, str] = {}
        self._inventory: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._symbol_of)

    def of(self, symbol: str) -> list[OwnOrder]:
        """Give the open orders of a symbol, oldest first."""
        return list(self._orders.get(symbol, {}).values())

    def oldest(self) -> str:
        """Give the id of the order that has been open longest; there must be one."""
        return next(iter(self._symbol_of))

    def inventory(self, symbol: str) -> int:
        """Give the shares bought less those sold since the start."""
        return self._inventory.get(symbol, 0)

    def next_id(self) -> str:
        """Give an order id that was never used."""
        self._placed += 1
        return f"{self._prefix}{self._placed}"

    def sent(self, command: Command) -> None:
        """Count a command as done."""
        match command:
            case Place(type=OrderType.LIMIT, price_units=int(price_units)) if command.time_in_force not in {
                TimeInForce.IOC,
                TimeInForce.FOK,
            }:
                order = OwnOrder(
                    command.order_id, command.symbol, command.side, price_units, command.quantity
                )
                self._keep(order)
            case Amend() if (symbol := self._symbol_of.get(command.order_id)) is not None:
                order = self._orders[symbol][command.order_id]
                order.price_units = command.price_units or order.price_units
                order.quantity = command.quantity or order.quantity
            case Cancel():
                self._forget(command.order_id)

    def changed(self, execution: Execution) -> None:
        """Take in what the market says of an order; those of earlier starts are left alone."""
        if not execution.order_id.startswith(self._prefix):
            return
        if execution.execution_type is ExecutionType.TRADE and execution.last_quantity is not None:
            signed = execution.last_quantity if execution.side is Side.BUY else -execution.last_quantity
            self._inventory[execution.symbol] = self.inventory(execution.symbol) + signed
        if execution.status not in OPEN_STATUSES:
            self._forget(execution.order_id)
        elif (
            execution.side is not None
            and execution.price_units is not None
            and execution.quantity is not None
            and execution.time_in_force not in {TimeInForce.IOC, TimeInForce.FOK}
        ):
            self._keep(
                OwnOrder(
                    execution.order_id,
                    execution.symbol,
                    execution.side,
                    execution.price_units,
                    execution.quantity,
                    execution.filled_quantity,
                )
            )

    def _keep(self, order: OwnOrder) -> None:
        self._symbol_of.setdefault(order.order_id, order.symbol)
        self._orders.setdefault(order.symbol, {})[order.order_id] = order

    def _forget(self, order_id: str) -> None:
        symbol = self._symbol_of.pop(order_id, None)
        if symbol is not None:
            del self._orders[symbol][order_id]
