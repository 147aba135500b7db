"""Everybody's cash and positions, valued at the market's last prices.

As many accounts as the engine has; each costs 450 bytes, and 200 for each symbol that it ever had.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from api.payloads import AccountRow, AccountSnapshot, LimitsRow, PositionRow
from api.valuation import units_of, worth
from engine.units import decimal_from_units
from engine.wire.records import AccountRecord, LimitsRecord, PositionRecord


class _Account:
    __slots__ = ("limits", "positions", "record", "trading_disabled")

    def __init__(self, record: AccountRecord) -> None:
        self.record = record
        self.positions: dict[str, PositionRecord] = {}
        self.limits: LimitsRecord | None = None
        self.trading_disabled = False


class LiveAccounts:
    """Accounts by investor; one is unknown until it is opened."""

    def __init__(self, last_price: Callable[[str], float | None]) -> None:
        self._last_price = last_price
        self._accounts: dict[str, _Account] = {}

    def __len__(self) -> int:
        return len(self._accounts)

    def apply(self, record: AccountRecord) -> None:
        """Take in a change: balances are told anew, of the rest only what the command changed."""
        account = self._accounts.get(record.investor_id)
        if account is None:
            account = self._accounts[record.investor_id] = _Account(record)
        account.record = record
        for position in record.positions:
            account.positions[position.symbol] = position
        if record.limits is not None:
            account.limits = record.limits
        if record.trading_disabled is not None:
            account.trading_disabled = record.trading_disabled

    def account(self, investor_id: str) -> AccountRow | None:
        """Give an investor's balances; None before the account is opened. Cost O(symbols)."""
        account = self._accounts.get(investor_id)
        if account is None:
            return None
        cash_units, held_units = units_of(account.record.cash), units_of(account.record.held_cash)
        value_units, realized_units, unrealized_units = 0, 0, 0
        for position in account.positions.values():
            realized_units += units_of(position.realized_profit)
            price = self._last_price(position.symbol)
            if price is not None:
                worth_now = worth(position.quantity, position.average_price, price)
                value_units += worth_now.value_units
                unrealized_units += worth_now.unrealized_units
        return AccountRow(
            investor_id=investor_id,
            cash=account.record.cash,
            held_cash=account.record.held_cash,
            available_cash=decimal_from_units(cash_units - held_units),
            equity=decimal_from_units(cash_units + value_units),
            realized_profit=decimal_from_units(realized_units),
            unrealized_profit=decimal_from_units(unrealized_units),
            limits=_limits_row(account.limits),
            trading_disabled=account.trading_disabled,
        )

    def positions(self, investor_id: str) -> Sequence[PositionRow]:
        """Give the positions, also the closed ones, which still carry their profit; by symbol."""
        account = self._accounts.get(investor_id)
        if account is None:
            return []
        return [self._valued(account.positions[symbol]) for symbol in sorted(account.positions)]

    def position(self, investor_id: str, symbol: str) -> PositionRecord | None:
        """Give an investor's shares of a symbol, if there ever were any."""
        account = self._accounts.get(investor_id)
        return None if account is None else account.positions.get(symbol)

    def snapshot(self, investor_id: str) -> AccountSnapshot:
        """Give it all at once."""
        return AccountSnapshot(account=self.account(investor_id), positions=list(self.positions(investor_id)))

    def _valued(self, position: PositionRecord) -> PositionRow:
        price = self._last_price(position.symbol)
        value, profit = None, None
        if price is not None:
            worth_now = worth(position.quantity, position.average_price, price)
            value = decimal_from_units(worth_now.value_units)
            if position.average_price is not None:
                profit = decimal_from_units(worth_now.unrealized_units)
        return PositionRow(
            symbol=position.symbol,
            quantity=position.quantity,
            held_quantity=position.held_quantity,
            average_price=position.average_price,
            realized_profit=position.realized_profit,
            last_price=price,
            market_value=value,
            unrealized_profit=profit,
        )


def _limits_row(limits: LimitsRecord | None) -> LimitsRow | None:
    if limits is None:
        return None
    return LimitsRow(
        order_value_max=limits.order_value_max,
        open_orders_max=limits.open_orders_max,
        orders_per_second_max=limits.orders_per_second_max,
    )
