"""What investors own, and what of it their open orders have promised."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.domain import AccountChanged, Position, Side
from engine.order import Order


@dataclass(slots=True)
class Holding:
    """An account's shares of one symbol; below zero when sold short.

    `cost_units` is what the shares cost, with the sign of `quantity`.
    """

    quantity: int = 0
    held_quantity: int = 0
    cost_units: int = 0
    realized_profit_units: int = 0

    def trade(self, quantity: int, price_units: int) -> None:
        """Add bought (positive) or sold (negative) shares; profit is realised on those that close others."""
        closing = 0
        if self.quantity * quantity < 0:
            closing = -min(abs(quantity), abs(self.quantity)) * (1 if self.quantity > 0 else -1)
            # The last share closed takes along whatever rounding left, so no cost is lost.
            closed_cost = self.cost_units * -closing // self.quantity
            self.realized_profit_units += -closing * price_units - closed_cost
            self.cost_units -= closed_cost
        self.cost_units += (quantity - closing) * price_units
        self.quantity += quantity


@dataclass(slots=True)
class Account:
    """An investor's cash, shares and open orders."""

    investor_id: str
    unlimited: bool
    cash_units: int = 0
    held_cash_units: int = 0
    holdings: dict[str, Holding] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)

    def holding(self, symbol: str) -> Holding:
        """Give the account's shares of a symbol, none yet included."""
        return self.holdings.setdefault(symbol, Holding())

    @property
    def free_cash_units(self) -> int:
        """Cash that no open order holds."""
        return self.cash_units - self.held_cash_units

    def free_quantity(self, symbol: str) -> int:
        """Give the shares of a symbol that no open order holds."""
        holding = self.holding(symbol)
        return holding.quantity - holding.held_quantity

    def hold(self, order: Order, quantity: int) -> None:
        """Promise what a resting order needs for so many shares; a negative count gives it back."""
        assert order.price_units is not None, "only orders with a price rest"
        if order.side is Side.BUY:
            self.held_cash_units += quantity * order.price_units
        else:
            self.holding(order.symbol).held_quantity += quantity

    def settle(self, symbol: str, side: Side, quantity: int, price_units: int) -> None:
        """Exchange cash and shares of a trade."""
        signed = quantity if side is Side.BUY else -quantity
        self.cash_units -= signed * price_units
        self.holding(symbol).trade(signed, price_units)

    def changed(self, symbols: list[str]) -> AccountChanged:
        """Report the balances, with the positions of some symbols."""
        return AccountChanged(
            investor_id=self.investor_id,
            cash_units=self.cash_units,
            held_cash_units=self.held_cash_units,
            positions=tuple(
                Position(
                    symbol=symbol,
                    quantity=holding.quantity,
                    held_quantity=holding.held_quantity,
                    cost_units=holding.cost_units,
                    realized_profit_units=holding.realized_profit_units,
                )
                for symbol in symbols
                if (holding := self.holdings.get(symbol)) is not None
            ),
        )
