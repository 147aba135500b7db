"""The books of a market as an accountant keeps them from its events: what came in, and who has it."""

from __future__ import annotations

from collections import Counter

from engine.domain import (
    AccountChanged,
    Command,
    Deposit,
    Event,
    ExecutionType,
    OpenAccount,
    Side,
    Withdraw,
)
from tests.property.orders import Reader
from tests.strategies import Step


class Ledger:
    """Follows a log and what it causes.

    Attributes
    ----------
    reader : Reader
        The market as the events so far tell it.
    brought : Counter
        Cash, and shares by symbol, that deposits brought and withdrawals have not taken again.
    limited : set of str
        Accounts that are not unlimited.
    """

    def __init__(self) -> None:
        self.reader = Reader()
        self.brought: Counter[str] = Counter()
        self.limited: set[str] = set()

    def follow(self, step: Step, events: list[Event]) -> None:
        """Take in a command and what it caused."""
        command = step.command
        if isinstance(command, OpenAccount) and not command.unlimited and not _is_refused(events):
            self.limited.add(command.investor_id)
        self.brought.update(brought(command, events, self.reader))
        for event in events:
            self.reader.read(event)

    def check_conserved(self) -> None:
        """Check that all accounts together, the house's too, have what was brought, to the unit."""
        reader = self.reader
        in_accounts = Counter({"cash": sum(each.cash_units for each in reader.accounts.values())})
        for (_, symbol), position in reader.positions.items():
            in_accounts[symbol] += position.quantity
        assert +in_accounts == +self.brought
        assert -in_accounts == -self.brought

    def check_held(self) -> None:
        """Check that what open orders need is held, and no more."""
        reader = self.reader
        cash, shares = Counter[str](), Counter[tuple[str, str]]()
        for order in reader.orders.values():
            if order.side is Side.BUY:
                cash[order.investor_id] += reader.needed_units(order)
            else:
                shares[order.investor_id, order.symbol] += order.remaining_quantity
        held_cash = {investor: each.held_cash_units for investor, each in reader.accounts.items()}
        held_shares = {key: position.held_quantity for key, position in reader.positions.items()}
        assert +Counter(held_cash) == cash
        assert +Counter(held_shares) == shares

    def check_covered(self) -> None:
        """Check that nobody limited owes anything, or has promised more than there is."""
        reader = self.reader
        for investor in self.limited & reader.accounts.keys():
            account = reader.accounts[investor]
            assert 0 <= account.held_cash_units <= account.cash_units
        for (investor, _), position in reader.positions.items():
            if investor in self.limited:
                assert 0 <= position.held_quantity <= position.quantity


def brought(command: Command, events: list[Event], before: Reader) -> dict[str, int]:
    """Give what a command brought into the market; negative what it took.

    One with a name may have been done before: it brings what its account then has more, all or nothing.
    """
    if _is_refused(events) or not isinstance(command, Deposit | Withdraw):
        return {}
    sign = 1 if isinstance(command, Deposit) else -1
    what, amount = command.symbol or "cash", sign * (command.cash_units or command.quantity or 0)
    if command.transfer_id is None:
        return {what: amount}
    had = before.accounts.get(command.investor_id) if command.symbol is None else None
    held = before.positions.get((command.investor_id, command.symbol or ""))
    owned = owned_before = had.cash_units if had else held.quantity if held else 0
    for event in events:
        if isinstance(event, AccountChanged) and event.investor_id == command.investor_id:
            shares = [each.quantity for each in event.positions if each.symbol == command.symbol]
            owned = event.cash_units if command.symbol is None else [owned, *shares][-1]
    assert owned - owned_before in {0, amount}
    return {what: owned - owned_before}


def _is_refused(events: list[Event]) -> bool:
    return any(getattr(event, "execution_type", None) is ExecutionType.REJECTED for event in events)
