"""Records as rows of a table, where one is not the other already."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from engine import domain
from engine.domain import OrderType, Phase, SelfTrade, Side, TimeInForce
from engine.wire.records import AccountRecord, BookRecord

COMMANDS: dict[str, type[domain.Command]] = {
    "place": domain.Place,
    "cancel": domain.Cancel,
    "cancel_all": domain.CancelAll,
    "amend": domain.Amend,
    "list_asset": domain.ListAsset,
    "open_account": domain.OpenAccount,
    "deposit": domain.Deposit,
    "withdraw": domain.Withdraw,
    "set_limits": domain.SetLimits,
    "kill_switch": domain.KillSwitch,
    "set_phase": domain.SetPhase,
    "malformed": domain.Malformed,
}


class LoggedCommand(Struct, frozen=True, kw_only=True):
    """A command with its place in the log and its record's time."""

    offset: int
    time_ms: int
    command: domain.Command


class CommandRow(Struct, frozen=True, kw_only=True):
    """A command of any kind; what its kind has no field for is missing."""

    offset: int
    time_ms: int
    command: str
    order_id: str | None = None
    client_order_id: str | None = None
    investor_id: str | None = None
    symbol: str | None = None
    side: Side | None = None
    type: OrderType | None = None
    time_in_force: TimeInForce | None = None
    price: float | None = None
    stop_price: float | None = None
    quantity: int | None = None
    display_quantity: int | None = None
    expires_at_ms: int | None = None
    post_only: bool | None = None
    self_trade: SelfTrade | None = None
    cash: float | None = None
    transfer_id: str | None = None
    unlimited: bool | None = None
    order_value_max: float | None = None
    open_orders_max: int | None = None
    orders_per_second_max: int | None = None
    on: bool | None = None
    name: str | None = None
    tick_size: float | None = None
    lot_size: int | None = None
    reference_price: float | None = None
    price_band: float | None = None
    maker_fee_bps: float | None = None
    taker_fee_bps: float | None = None
    phase: Phase | None = None
    message: str | None = None


class AccountRow(Struct, frozen=True, kw_only=True):
    """An account's balances after a command, beside one of the positions that it changed, if any."""

    shard: int
    offset: int
    index: int
    time_ms: int
    investor_id: str
    cash: float
    held_cash: float
    symbol: str | None = None
    quantity: int | None = None
    held_quantity: int | None = None
    average_price: float | None = None
    realized_profit: float | None = None


class BookRow(Struct, frozen=True, kw_only=True):
    """A price level as it is after `offset`; a quantity of 0 says that nothing rests there any more."""

    symbol: str
    shard: int
    offset: int
    previous_offset: int
    time_ms: int
    snapshot: bool
    side: Side
    price: float
    quantity: int
    order_count: int


def account_rows(record: AccountRecord) -> Iterator[AccountRow]:
    """Give a row for each position that changed, or one without when none did."""
    balances = {
        "shard": record.shard,
        "offset": record.offset,
        "index": record.index,
        "time_ms": record.time_ms,
        "investor_id": record.investor_id,
        "cash": record.cash,
        "held_cash": record.held_cash,
    }
    if not record.positions:
        yield AccountRow(**balances)  # type: ignore[arg-type]
    for position in record.positions:
        yield AccountRow(
            **balances,  # type: ignore[arg-type]
            symbol=position.symbol,
            quantity=position.quantity,
            held_quantity=position.held_quantity,
            average_price=position.average_price,
            realized_profit=position.realized_profit,
        )


def book_rows(record: BookRecord) -> Iterator[BookRow]:
    """Give a row for each level, bids before asks, each side best first."""
    for side, levels in ((Side.BUY, record.bids), (Side.SELL, record.asks)):
        for price, quantity, order_count in levels:
            yield BookRow(
                symbol=record.symbol,
                shard=record.shard,
                offset=record.offset,
                previous_offset=record.previous_offset,
                time_ms=record.time_ms,
                snapshot=record.snapshot,
                side=side,
                price=price,
                quantity=quantity,
                order_count=order_count,
            )
