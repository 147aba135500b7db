"""Everything that a shard knows, and the small steps that all rules are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.domain import (
    HOUSE_ID,
    AccountChanged,
    Deposit,
    Event,
    ExecutionType,
    Limits,
    Position,
    Side,
    Status,
    Withdraw,
)
from engine.messages import SENTENCES, Message
from tests.reference.asset import Asset
from tests.reference.order import Order, report
from tests.reference.refusal import Refusal

DAY_MS = 86_400_000
# The exchange's day is Brazil's, three hours behind UTC the whole year.
DAY_STARTS_MS = 3 * 3_600_000


@dataclass
class Holding:
    """An account's shares of one symbol, and what they cost; both below zero when sold short."""

    quantity: int = 0
    cost_units: int = 0
    realized_profit_units: int = 0

    def trade(self, quantity: int, price_units: int) -> None:
        """Add bought (positive) or sold (negative) shares; profit is realised on those that close others."""
        if self.quantity * quantity < 0:
            closed = min(abs(quantity), abs(self.quantity))
            closed_cost = abs(self.cost_units) * closed // abs(self.quantity)
            sign = 1 if self.quantity > 0 else -1
            self.realized_profit_units += sign * (closed * price_units - closed_cost)
            self.cost_units -= sign * closed_cost
            self.quantity -= sign * closed
            quantity += sign * closed
        self.quantity += quantity
        self.cost_units += quantity * price_units


NO_LIMITS = Limits(order_value_max_units=None, open_orders_max=None, orders_per_second_max=None)


@dataclass
class Account:
    """An investor's cash and shares. What of them is held follows from the open orders.

    `sent_seconds` has the second of each order and change sent since there is a limit to them.
    """

    investor_id: str
    unlimited: bool
    cash_units: int = 0
    limits: Limits = NO_LIMITS
    trading_disabled: bool = False
    sent_seconds: list[int] = field(default_factory=list)
    holdings: dict[str, Holding] = field(default_factory=dict)

    def holding(self, symbol: str) -> Holding:
        """Give the account's shares of a symbol, none yet included."""
        return self.holdings.setdefault(symbol, Holding())


@dataclass
class State:
    """A shard between two commands, and what the command in hand has caused so far.

    `orders` are the open ones by id, oldest acceptance first. `days_ended` names the ids of orders that
    have ended, with the day of it, `transfers` what was done under an account's transfer id, and the day;
    `touched` the accounts that the command changed, with the symbols of
    the positions, and `set_by_command` what the command set of an account.
    """

    offset: int = -1
    time_ms: int = 0
    assets: dict[str, Asset] = field(default_factory=dict)
    accounts: dict[str, Account] = field(
        default_factory=lambda: {HOUSE_ID: Account(HOUSE_ID, unlimited=True)}
    )
    orders: dict[str, Order] = field(default_factory=dict)
    days_ended: dict[str, int] = field(default_factory=dict)
    transfers: dict[tuple[str, str], tuple[Deposit | Withdraw, int]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    trades: int = 0
    touched: dict[str, list[str]] = field(default_factory=dict)
    set_by_command: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def day(self) -> int:
        """The number of the day in Brasília."""
        return (self.time_ms - DAY_STARTS_MS) // DAY_MS

    def account(self, investor_id: str) -> Account:
        """Give an investor's account; raises `Refusal` when there is none."""
        if investor_id not in self.accounts:
            raise Refusal(Message.NO_ACCOUNT, investor_id=investor_id)
        return self.accounts[investor_id]

    def asset(self, symbol: str) -> Asset:
        """Give a listed asset; raises `Refusal` when it is not."""
        if symbol not in self.assets:
            raise Refusal(Message.NOT_LISTED, symbol=symbol)
        return self.assets[symbol]

    def orders_of(self, investor_id: str, *, without: str = "") -> list[Order]:
        """Give an investor's open orders, oldest acceptance first, those `without` one order."""
        return [
            order
            for order in self.orders.values()
            if order.investor_id == investor_id and order.order_id != without
        ]

    def held_cash_units(self, investor_id: str, *, without: str = "") -> int:
        """Give the cash that an investor's open buys need."""
        orders = self.orders_of(investor_id, without=without)
        return sum(order.needed_units for order in orders if order.side is Side.BUY)

    def held_quantity(self, investor_id: str, symbol: str, *, without: str = "") -> int:
        """Give the shares that an investor's open sells need."""
        return sum(
            order.remaining_quantity
            for order in self.orders_of(investor_id, without=without)
            if (order.symbol, order.side) == (symbol, Side.SELL)
        )

    def free_cash_units(self, investor_id: str, *, without: str = "") -> int:
        """Give the cash that no open order needs."""
        return self.accounts[investor_id].cash_units - self.held_cash_units(investor_id, without=without)

    def free_quantity(self, investor_id: str, symbol: str, *, without: str = "") -> int:
        """Give the shares that no open order needs."""
        holding = self.accounts[investor_id].holdings.get(symbol, Holding())
        return holding.quantity - self.held_quantity(investor_id, symbol, without=without)

    def touch(self, investor_id: str, *symbols: str) -> None:
        """Note that the command changes what an account has or holds."""
        touched = self.touched.setdefault(investor_id, [])
        touched += [symbol for symbol in symbols if symbol not in touched]

    def rest(self, order: Order) -> None:
        """Let an order wait in the book, or for its stop price."""
        asset = self.assets[order.symbol]
        if order.waits:
            asset.waiting.append(order)
        else:
            asset.join(order)
        self.touch(order.investor_id, order.symbol)

    def unrest(self, order: Order) -> None:
        """Take an order out of where it rests or waits."""
        asset = self.assets[order.symbol]
        if order.waits:
            asset.waiting.remove(order)
        else:
            asset.leave(order)
        self.touch(order.investor_id, order.symbol)

    def rests(self, order: Order) -> bool:
        """Tell whether an order rests in the book or waits for its stop price."""
        asset = self.assets[order.symbol]
        return order in asset.waiting or order in asset.queue(order.side)

    def end(self, order: Order, status: Status, message: Message = Message.NONE, **values: object) -> None:
        """End an order before it is filled, and report it; `values` stand in the message's braces."""
        if self.rests(order):
            self.unrest(order)
        self.forget(order, status)
        kind = ExecutionType.CANCELED if status is Status.CANCELED else ExecutionType.EXPIRED
        self.say(order, kind, message, **values)

    def forget(self, order: Order, status: Status) -> None:
        """Count an order as ended today."""
        order.status = status
        del self.orders[order.order_id]
        self.days_ended[order.order_id] = self.day

    def say(
        self,
        order: Order,
        execution_type: ExecutionType,
        message: Message = Message.NONE,
        **values: object,
    ) -> None:
        """Report a change of an order that is no trade."""
        if message is Message.NONE:
            self.events.append(report(order, execution_type))
        else:
            reason, text = SENTENCES[message]
            text = text.format(**values)
            self.events.append(report(order, execution_type, reason=reason, message=text))

    def touched_accounts(self) -> list[AccountChanged]:
        """Report the accounts that the command changed, in the order of their first change."""
        return [self._account_changed(investor, symbols) for investor, symbols in self.touched.items()]

    def _account_changed(self, investor_id: str, symbols: list[str]) -> AccountChanged:
        account = self.accounts[investor_id]
        return AccountChanged(
            investor_id=investor_id,
            cash_units=account.cash_units,
            held_cash_units=self.held_cash_units(investor_id),
            positions=tuple(
                Position(
                    symbol=symbol,
                    quantity=account.holding(symbol).quantity,
                    held_quantity=self.held_quantity(investor_id, symbol),
                    cost_units=account.holding(symbol).cost_units,
                    realized_profit_units=account.holding(symbol).realized_profit_units,
                )
                for symbol in symbols
            ),
            **self.set_by_command.get(investor_id, {}),
        )
