"""An account's kill switch, and the limits that a command has given it."""

from __future__ import annotations

from engine.domain import Amend, KillSwitch, Limits, Place, SetLimits, Status
from engine.messages import Message
from engine.units import decimal_from_units
from tests.reference.refusal import Refusal
from tests.reference.state import Account, State

_SECOND_MS = 1_000


def check_may_trade(state: State, command: Place | Amend) -> None:
    """Check that an investor may send an order or a change now, and count it; raises `Refusal`."""
    account = state.accounts.get(command.investor_id)
    if account is None:
        return
    if account.trading_disabled:
        raise Refusal(Message.TRADING_DISABLED)
    limit = account.limits.orders_per_second_max
    if limit is None:
        return
    second = state.time_ms // _SECOND_MS
    if account.sent_seconds.count(second) == limit:
        raise Refusal(Message.ORDERS_PER_SECOND, count=limit)
    account.sent_seconds.append(second)


def check_own_value(account: Account, value_units: int) -> None:
    """Check what an order is worth against its account's limit; raises `Refusal`."""
    limit_units = account.limits.order_value_max_units
    if limit_units is not None and value_units > limit_units:
        value, limit = decimal_from_units(value_units), decimal_from_units(limit_units)
        raise Refusal(Message.ACCOUNT_ORDER_VALUE, price=value, detail=limit)


def check_open_orders(state: State, account: Account) -> None:
    """Check that an account may have another open order; raises `Refusal`."""
    limit = account.limits.open_orders_max
    if limit is not None and len(state.orders_of(account.investor_id)) >= limit:
        raise Refusal(Message.OPEN_ORDERS, count=limit)


def set_limits(state: State, command: SetLimits) -> None:
    """Give an account limits; raises `Refusal`."""
    account = state.account(command.investor_id)
    account.limits = Limits(
        order_value_max_units=command.order_value_max_units,
        open_orders_max=command.open_orders_max,
        orders_per_second_max=command.orders_per_second_max,
    )
    account.sent_seconds.clear()
    state.touch(account.investor_id)
    state.set_by_command[account.investor_id] = {"limits": account.limits}


def turn_kill_switch(state: State, command: KillSwitch) -> None:
    """Let an account trade no more, or again; raises `Refusal`."""
    account = state.account(command.investor_id)
    account.trading_disabled = command.on
    state.touch(account.investor_id)
    state.set_by_command[account.investor_id] = {"trading_disabled": command.on}
    if command.on:
        for order in state.orders_of(account.investor_id):
            state.end(order, Status.CANCELED, Message.TRADING_DISABLED)
