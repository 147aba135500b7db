"""What the exchange itself does: assets, phases and accounts."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from engine.domain import (
    BALANCE_QUANTITY_MAX,
    BALANCE_UNITS_MAX,
    Deposit,
    ListAsset,
    OpenAccount,
    Phase,
    SetPhase,
    Withdraw,
)
from engine.messages import Message
from tests.reference.asset import Asset
from tests.reference.auction import call_in, dismiss, orders_for, uncross
from tests.reference.refusal import Refusal
from tests.reference.state import Account, State


def list_asset(state: State, listing: ListAsset) -> None:
    """List an asset, or change a listed one's name, band and fees; raises `Refusal`."""
    if listing.reference_price_units % listing.tick_size_units:
        raise Refusal(Message.REFERENCE_TICK)
    asset = state.assets.get(listing.symbol)
    if asset is None:
        asset = state.assets[listing.symbol] = Asset(listing)
    else:
        listed = asset.listing
        if (listing.tick_size_units, listing.lot_size) != (listed.tick_size_units, listed.lot_size):
            raise Refusal(Message.TICK_AND_LOT_STAY, symbol=listing.symbol)
        # The reference price stays: bands of orders that rest would move under them.
        asset.listing = structs.replace(listing, reference_price_units=listed.reference_price_units)
    state.events.append(asset.report())


def set_phase(state: State, command: SetPhase) -> None:
    """Open, halt or close an asset's market; raises `Refusal`."""
    asset = state.asset(command.symbol)
    called = orders_for(asset, command.phase)
    if asset.phase is Phase.AUCTION:
        call_in(state, called)
        uncross(state, asset)
    dismiss(state, called, auction_held=asset.phase is Phase.AUCTION)
    asset.phase = command.phase
    state.events.append(asset.report())


def open_account(state: State, command: OpenAccount) -> None:
    """Open an account; raises `Refusal`."""
    if command.investor_id in state.accounts:
        raise Refusal(Message.ACCOUNT_EXISTS, investor_id=command.investor_id)
    state.accounts[command.investor_id] = Account(command.investor_id, command.unlimited)
    state.touch(command.investor_id)


def transfer(state: State, command: Deposit | Withdraw) -> None:
    """Move cash, or shares at what they are worth now, into an account or out of it; raises `Refusal`."""
    account = state.account(command.investor_id)
    asset = None if command.symbol is None else state.asset(command.symbol)
    is_cash = command.cash_units is not None and asset is None and command.quantity is None
    is_shares = command.cash_units is None and asset is not None and command.quantity is not None
    if not is_cash and not is_shares:
        raise Refusal(Message.CASH_OR_SHARES)
    name = (command.investor_id, command.transfer_id or "")
    if name in state.transfers and state.transfers[name][1] >= state.day - 1:
        if state.transfers[name][0] != command:
            raise Refusal(Message.OTHER_TRANSFER)
        state.touch(account.investor_id, *([command.symbol] if command.symbol else []))
        return
    sign = 1 if isinstance(command, Deposit) else -1
    if asset is None:
        _transfer_cash(state, account, sign * (command.cash_units or 0))
    else:
        _transfer_shares(state, account, asset, sign * (command.quantity or 0))
    if command.transfer_id is not None:
        state.transfers[name] = (command, state.day)


def _transfer_cash(state: State, account: Account, cash_units: int) -> None:
    if abs(account.cash_units + cash_units) > BALANCE_UNITS_MAX:
        raise Refusal(Message.CASH_BOUND)
    free_units = account.cash_units - state.held_cash_units(account.investor_id)
    if cash_units < 0 and not account.unlimited and -cash_units > free_units:
        raise Refusal(Message.CASH_NOT_FREE)
    account.cash_units += cash_units
    state.touch(account.investor_id)


def _transfer_shares(state: State, account: Account, asset: Asset, quantity: int) -> None:
    symbol = asset.listing.symbol
    before = account.holding(symbol)
    after = replace(before)
    after.trade(quantity, asset.mark_price_units)
    if abs(after.quantity) > BALANCE_QUANTITY_MAX or abs(after.cost_units) > BALANCE_UNITS_MAX:
        raise Refusal(Message.SHARES_BOUND)
    free = before.quantity - state.held_quantity(account.investor_id, symbol)
    if quantity < 0 and not account.unlimited and -quantity > free:
        raise Refusal(Message.SHARES_NOT_FREE, symbol=symbol)
    account.holdings[symbol] = after
    state.touch(account.investor_id, symbol)
