"""All accounts of a shard, and which of them a command changed."""

from __future__ import annotations

from engine.accounts import Account
from engine.asset import Asset
from engine.domain import (
    BALANCE_QUANTITY_MAX,
    BALANCE_UNITS_MAX,
    AccountChanged,
    Deposit,
    OpenAccount,
    Reason,
    Withdraw,
)
from engine.order import Order
from engine.refusal import Refusal


class Ledger:
    """The investors' accounts."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._touched: dict[str, list[str]] = {}

    def account(self, investor_id: str) -> Account:
        """Give an investor's account; raises `Refusal` when there is none."""
        account = self._accounts.get(investor_id)
        if account is None:
            raise Refusal(Reason.UNKNOWN_INVESTOR, f"{investor_id} has no account; open one first.")
        return account

    def owner(self, order: Order) -> Account:
        """Give the account behind an open order, noting that the command changes it."""
        symbols = self._touched.setdefault(order.investor_id, [])
        if order.symbol not in symbols:
            symbols.append(order.symbol)
        return self._accounts[order.investor_id]

    def take_changes(self) -> list[AccountChanged]:
        """Report the accounts that changed since the last call, in the order of their first change."""
        changes = [self._accounts[investor].changed(symbols) for investor, symbols in self._touched.items()]
        self._touched = {}
        return changes

    def open(self, command: OpenAccount) -> None:
        """Open an account; raises `Refusal` when the investor has one."""
        if command.investor_id in self._accounts:
            raise Refusal(Reason.DUPLICATE_INVESTOR, f"{command.investor_id} has an account already.")
        self._accounts[command.investor_id] = Account(command.investor_id, command.unlimited)
        self._touched[command.investor_id] = []

    def deposit(self, command: Deposit, asset: Asset | None) -> None:
        """Add cash, or shares at what they are worth now; raises `Refusal`."""
        account, cash_units, quantity = self._moved(command, asset)
        if account.cash_units + cash_units > BALANCE_UNITS_MAX:
            raise Refusal(Reason.LIMIT_EXCEEDED, "That is more cash than an account may have.")
        if asset is not None and account.holding(asset.symbol).quantity + quantity > BALANCE_QUANTITY_MAX:
            raise Refusal(Reason.LIMIT_EXCEEDED, "That is more shares than an account may have.")
        self._transfer(account, cash_units, asset, quantity)

    def withdraw(self, command: Withdraw, asset: Asset | None) -> None:
        """Take out cash, or shares at what they are worth now, never what is held; raises `Refusal`."""
        account, cash_units, quantity = self._moved(command, asset)
        if not account.unlimited and cash_units > account.free_cash_units:
            raise Refusal(Reason.INSUFFICIENT_CASH, "That is more cash than is free; cancel orders first.")
        if asset is not None and not account.unlimited and quantity > account.free_quantity(asset.symbol):
            raise Refusal(
                Reason.INSUFFICIENT_SHARES, f"That is more {asset.symbol} than is free; cancel orders first."
            )
        self._transfer(account, -cash_units, asset, -quantity)

    def _moved(self, command: Deposit | Withdraw, asset: Asset | None) -> tuple[Account, int, int]:
        account = self.account(command.investor_id)
        if command.cash_units is not None and asset is None and command.quantity is None:
            return account, command.cash_units, 0
        if command.cash_units is None and asset is not None and command.quantity is not None:
            return account, 0, command.quantity
        raise Refusal(Reason.MALFORMED, "Give either cash, or a symbol and a quantity.")

    def _transfer(self, account: Account, cash_units: int, asset: Asset | None, quantity: int) -> None:
        account.cash_units += cash_units
        if asset is not None:
            account.holding(asset.symbol).trade(quantity, asset.mark_price_units)
        self._touched[account.investor_id] = [] if asset is None else [asset.symbol]
