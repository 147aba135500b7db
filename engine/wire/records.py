"""What the engine sends out, as JSON records: trades, execution reports, accounts, books, assets.

The structs here are the public records, prices in the currency's unit; readers decode into them.
`(shard, offset, index)` is the identity of each, of a book record `(symbol, shard, offset)`.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from engine import domain
from engine.domain import (
    ExecutionType,
    Liquidity,
    OrderType,
    Phase,
    Reason,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
)
from engine.units import basis_points_from_ppm, decimal_from_units

PriceLevel: TypeAlias = tuple[float, int, int]
AVERAGE_EXACT_MAX_UNITS: Final = 10**7 * domain.UNITS_PER_CURRENCY


class Stamp(Struct, frozen=True):
    """The command that caused a record: its partition and offset, and the log's time at it."""

    shard: int
    offset: int
    time_ms: int


class Transaction(Struct, frozen=True, kw_only=True):
    """One trade."""

    transaction_id: str
    symbol: str
    price: float
    quantity: int
    buyer_id: str
    seller_id: str
    buy_order_id: str
    sell_order_id: str
    taker_side: Side
    time_ms: int
    shard: int
    offset: int
    index: int


class ExecutionReport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of one order, with the order as it stands after it.

    A refused command is reported here too, as `rejected`. Whoever rebuilds orders from reports: a refusal
    never changes an order that is already known, and one without a `side` (a refused cancel, deposit or
    malformed record) is no order at all.

    What is left out has its default: terms from `display_quantity` to `expires_at_ms`, which few orders have,
    and what did not happen. Reports that were written before engines told those terms say none of them.
    """

    shard: int
    offset: int
    index: int
    time_ms: int
    execution_type: ExecutionType
    status: Status
    order_id: str
    client_order_id: str | None
    investor_id: str
    symbol: str
    side: Side | None
    type: OrderType | None
    time_in_force: TimeInForce | None
    price: float | None
    stop_price: float | None
    quantity: int | None
    filled_quantity: int
    remaining_quantity: int
    average_price: float | None
    display_quantity: int | None = None
    post_only: bool = False
    self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER
    expires_at_ms: int | None = None
    last_price: float | None = None
    last_quantity: int | None = None
    fee: float | None = None
    transaction_id: str | None = None
    liquidity: Liquidity | None = None
    reason: Reason | None = None
    message: str | None = None


class PositionRecord(Struct, frozen=True, kw_only=True):
    """An account's shares of one symbol."""

    symbol: str
    quantity: int
    held_quantity: int
    average_price: float | None
    realized_profit: float


class LimitsRecord(Struct, frozen=True, kw_only=True):
    """What an account's orders may not exceed; null is no limit."""

    order_value_max: float | None
    open_orders_max: int | None
    orders_per_second_max: int | None


class AccountRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account's balances after a command, and its limits or kill switch where the command set them."""

    shard: int
    offset: int
    index: int
    time_ms: int
    investor_id: str
    cash: float
    held_cash: float
    positions: tuple[PositionRecord, ...]
    limits: LimitsRecord | None = None
    trading_disabled: bool | None = None


class AssetRecord(Struct, frozen=True, kw_only=True):
    """An asset as it now is."""

    shard: int
    offset: int
    index: int
    time_ms: int
    symbol: str
    name: str
    tick_size: float
    lot_size: int
    reference_price: float
    price_band: float | None
    maker_fee_bps: float
    taker_fee_bps: float
    phase: Phase


class BookRecord(Struct, frozen=True, kw_only=True):
    """Price levels changed since the symbol's record before; `quantity` 0 removes a level."""

    symbol: str
    shard: int
    offset: int
    previous_offset: int
    time_ms: int
    snapshot: bool
    bids: tuple[PriceLevel, ...]
    asks: tuple[PriceLevel, ...]


def transaction_id(stamp: Stamp, index: int) -> str:
    """Name a trade by its identity."""
    return f"{stamp.shard}-{stamp.offset}-{index}"


def transaction_record(trade: domain.Trade, stamp: Stamp, index: int) -> Transaction:
    """Give a trade its record."""
    return Transaction(
        transaction_id=transaction_id(stamp, index),
        symbol=trade.symbol,
        price=decimal_from_units(trade.price_units),
        quantity=trade.quantity,
        buyer_id=trade.buyer_id,
        seller_id=trade.seller_id,
        buy_order_id=trade.buy_order_id,
        sell_order_id=trade.sell_order_id,
        taker_side=trade.taker_side,
        time_ms=stamp.time_ms,
        shard=stamp.shard,
        offset=stamp.offset,
        index=index,
    )


def execution_record(execution: domain.Execution, stamp: Stamp, index: int) -> ExecutionReport:
    """Give an order's change its record."""
    filled = execution.filled_quantity
    trade = execution.trade_index
    return ExecutionReport(
        shard=stamp.shard,
        offset=stamp.offset,
        index=index,
        time_ms=stamp.time_ms,
        execution_type=execution.execution_type,
        status=execution.status,
        order_id=execution.order_id,
        client_order_id=execution.client_order_id,
        investor_id=execution.investor_id,
        symbol=execution.symbol,
        side=execution.side,
        type=execution.type,
        time_in_force=execution.time_in_force,
        price=_decimal(execution.price_units),
        stop_price=_decimal(execution.stop_price_units),
        quantity=execution.quantity,
        filled_quantity=filled,
        remaining_quantity=execution.remaining_quantity,
        average_price=average(execution.traded_units, filled),
        display_quantity=execution.display_quantity,
        post_only=execution.post_only,
        self_trade=execution.self_trade,
        expires_at_ms=execution.expires_at_ms,
        last_price=_decimal(execution.last_price_units),
        last_quantity=execution.last_quantity,
        fee=_decimal(execution.fee_units),
        transaction_id=None if trade is None else transaction_id(stamp, trade),
        liquidity=execution.liquidity,
        reason=execution.reason,
        message=execution.message,
    )


def account_record(account: domain.AccountChanged, stamp: Stamp, index: int) -> AccountRecord:
    """Give an account's new balances their record."""
    return AccountRecord(
        shard=stamp.shard,
        offset=stamp.offset,
        index=index,
        time_ms=stamp.time_ms,
        investor_id=account.investor_id,
        cash=decimal_from_units(account.cash_units),
        held_cash=decimal_from_units(account.held_cash_units),
        positions=tuple(
            PositionRecord(
                symbol=position.symbol,
                quantity=position.quantity,
                held_quantity=position.held_quantity,
                average_price=average(position.cost_units, position.quantity),
                realized_profit=decimal_from_units(position.realized_profit_units),
            )
            for position in account.positions
        ),
        limits=_limits_record(account.limits),
        trading_disabled=account.trading_disabled,
    )


def _limits_record(limits: domain.Limits | None) -> LimitsRecord | None:
    if limits is None:
        return None
    return LimitsRecord(
        order_value_max=_decimal(limits.order_value_max_units),
        open_orders_max=limits.open_orders_max,
        orders_per_second_max=limits.orders_per_second_max,
    )


def asset_record(asset: domain.AssetChanged, stamp: Stamp, index: int) -> AssetRecord:
    """Give an asset its record."""
    return AssetRecord(
        shard=stamp.shard,
        offset=stamp.offset,
        index=index,
        time_ms=stamp.time_ms,
        symbol=asset.symbol,
        name=asset.name,
        tick_size=decimal_from_units(asset.tick_size_units),
        lot_size=asset.lot_size,
        reference_price=decimal_from_units(asset.reference_price_units),
        price_band=asset.price_band,
        maker_fee_bps=basis_points_from_ppm(asset.maker_fee_ppm),
        taker_fee_bps=basis_points_from_ppm(asset.taker_fee_ppm),
        phase=asset.phase,
    )


def book_record(book: domain.BookChanged, shard: int) -> BookRecord:
    """Give changed price levels their record."""
    return BookRecord(
        symbol=book.symbol,
        shard=shard,
        offset=book.offset,
        previous_offset=book.previous_offset,
        time_ms=book.time_ms,
        snapshot=book.snapshot,
        bids=_levels(book.bids),
        asks=_levels(book.asks),
    )


def _levels(levels: tuple[domain.Level, ...]) -> tuple[PriceLevel, ...]:
    return tuple(
        (decimal_from_units(level.price_units), level.quantity, level.order_count) for level in levels
    )


def _decimal(units: int | None) -> float | None:
    return None if units is None else decimal_from_units(units)


def average(total_units: int, quantity: int) -> float | None:
    """Give an amount a share, None of no shares: at most eight decimals, rounded towards zero.

    From `AVERAGE_EXACT_MAX_UNITS` on, which no price reaches, at most four: a float has no more digits then.
    """
    if not quantity:
        return None
    sign = -1 if (total_units < 0) != (quantity < 0) else 1
    total_units, quantity = abs(total_units), abs(quantity)
    whole = total_units // quantity
    if whole >= AVERAGE_EXACT_MAX_UNITS:
        return decimal_from_units(sign * whole)
    return sign * (total_units * 10_000 // quantity) / 100_000_000


encode = msgspec.json.Encoder().encode
decode_transaction = msgspec.json.Decoder(Transaction).decode
decode_execution = msgspec.json.Decoder(ExecutionReport).decode
decode_account = msgspec.json.Decoder(AccountRecord).decode
decode_asset = msgspec.json.Decoder(AssetRecord).decode
decode_book = msgspec.json.Decoder(BookRecord).decode
