"""What the kernel writes down of what happened."""

from __future__ import annotations

from typing import Any

from engine.kernel import header as h
from engine.kernel.compile import inlined, rarely
from engine.kernel.layout import NONE, EventKind
from engine.kernel.words import (
    DID_REJECT,
    DID_TRADE,
    REASON_OF,
    REJECTED,
)
from engine.messages import Message

_EXECUTION = int(EventKind.EXECUTION)
_ACCOUNT = int(EventKind.ACCOUNT)
_ASSET = int(EventKind.ASSET)
_NO_MESSAGE = int(Message.NONE)


@inlined
def report(market: Any, command: int, order: int, execution_type: int, message: int) -> int:
    """Report a change of an order, as it stands now; gives the event's row."""
    place = market.header[h.EVENTS]
    market.header[h.EVENTS] += 1
    row = market.orders[order]
    event = market.events[place]
    event.kind = _EXECUTION
    event.execution_type = execution_type
    event.status = row.status
    event.reason = REASON_OF[message]
    event.liquidity = 0
    event.message = message
    event.command = command
    event.order = order
    event.price = row.price
    event.traded = row.traded
    event.last_price = 0
    event.detail = 0
    event.quantity = row.quantity
    event.filled = row.filled
    event.last_quantity = 0
    event.trade = NONE
    return place


@inlined
def report_trade(
    market: Any, command: int, order: int, liquidity: int, price: int, quantity: int, fee: int
) -> None:
    """Report an order's part in the command's newest trade."""
    event = market.events[report(market, command, order, DID_TRADE, _NO_MESSAGE)]
    event.liquidity = liquidity
    event.last_price = price
    event.detail = fee
    event.last_quantity = quantity
    event.trade = market.header[h.TRADES]


@rarely
def report_refusal(market: Any, command: int, order: int, message: int) -> None:
    """Report that a command was refused.

    `order` is the open order that it was about, NONE where none is told of.
    """
    if order == NONE:
        place = market.header[h.EVENTS]
        market.header[h.EVENTS] += 1
        row = market.commands[command]
        event = market.events[place]
        event.kind = _EXECUTION
        event.execution_type = DID_REJECT
        event.status = REJECTED
        event.reason = REASON_OF[message]
        event.liquidity = 0
        event.message = message
        event.command = command
        event.order = NONE
        event.price = row.price
        event.traded = 0
        event.quantity = row.quantity
        event.filled = 0
        event.last_quantity = 0
        event.trade = NONE
    else:
        place = report(market, command, order, DID_REJECT, message)
    event = market.events[place]
    event.last_price = market.header[h.SAY_PRICE]
    event.detail = market.header[h.SAY_DETAIL]


@inlined
def report_account(market: Any, command: int, account: int, position: int) -> None:
    """Report an account's balances, with one of its positions or none."""
    event = market.account_events[market.header[h.EVENTS]]
    market.header[h.EVENTS] += 1
    row = market.accounts[account]
    event.kind = _ACCOUNT
    event.command = command
    event.account = account
    event.position = position
    event.cash = row.cash
    event.held_cash = row.held_cash
    if position != NONE:
        shares = market.positions[position]
        event.quantity = shares.quantity
        event.held_quantity = shares.held_quantity
        event.cost = shares.cost
        event.realized_profit = shares.realized_profit


@rarely
def report_asset(market: Any, command: int, asset: int) -> None:
    """Report an asset as it now is."""
    event = market.asset_events[market.header[h.EVENTS]]
    market.header[h.EVENTS] += 1
    event.kind = _ASSET
    event.command = command
    event.asset = asset
    event.phase = market.assets[asset].phase
    event.band = market.assets[asset].band
    fees = market.fees[market.assets[asset].fees]
    event.maker_fee = fees.maker
    event.taker_fee = fees.taker
