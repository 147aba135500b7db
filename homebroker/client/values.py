"""What the API answers and streams, as typed values. Fields that a newer API adds are passed over.

Prices and cash are in the currency's unit, quantities whole shares, times UTC milliseconds.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Side: TypeAlias = Literal["buy", "sell"]
Level: TypeAlias = tuple[float, int, int]
"""Price, quantity, order count."""


class Ticker(Struct, frozen=True, kw_only=True):
    """A listed asset and its day so far."""

    symbol: str
    name: str
    tick_size: float
    lot_size: int
    reference_price: float
    phase: str
    last_price: float | None
    open: float | None
    high: float | None
    low: float | None
    volume: int
    change: float | None
    change_percent: float | None
    bid: float | None
    ask: float | None
    time_ms: int


class Trade(Struct, frozen=True, kw_only=True):
    """One trade."""

    transaction_id: str
    symbol: str
    price: float
    quantity: int
    taker_side: Side
    time_ms: int


class TradePage(Struct, frozen=True, kw_only=True):
    """Trades of the history, newest first; `next_cursor` asks for those before them."""

    transactions: list[Trade]
    next_cursor: str | None


class Book(Struct, frozen=True, kw_only=True):
    """A book as it stood after the command at `offset`, each side best price first."""

    symbol: str
    offset: int
    time_ms: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class BookChange(Struct, frozen=True, kw_only=True):
    """Levels that changed after `previous_offset` up to `offset`; quantity 0 removes one."""

    symbol: str
    offset: int
    previous_offset: int
    time_ms: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class Candle(Struct, frozen=True, kw_only=True):
    """Prices and volume of one interval; the last one is not `closed`."""

    time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    trades: int
    closed: bool


class CandleChange(Candle, frozen=True, kw_only=True):
    """A candle as it now is, on a stream."""

    symbol: str
    interval: str


class CandleList(Struct, frozen=True, kw_only=True):
    """Candles, oldest first."""

    symbol: str
    interval: str
    candles: list[Candle]


class NewOrder(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order to place or preview; the same `client_order_id` twice is one order."""

    symbol: str
    side: Side
    quantity: int
    type: str = "limit"
    price: float | None = None
    stop_price: float | None = None
    time_in_force: str = "day"
    expires_at_ms: int | None = None
    display_quantity: int | None = None
    post_only: bool = False
    self_trade: str = "expire_taker"
    order_id: str | None = None
    client_order_id: str | None = None


class Order(Struct, frozen=True, kw_only=True):
    """An order as the engine left it; `pending` when the engine has not answered yet."""

    order_id: str
    status: str
    client_order_id: str | None = None
    symbol: str = ""
    side: Side | None = None
    type: str | None = None
    time_in_force: str | None = None
    price: float | None = None
    stop_price: float | None = None
    quantity: int | None = None
    filled_quantity: int = 0
    remaining_quantity: int = 0
    average_price: float | None = None
    reason: str | None = None
    message: str | None = None
    created_ms: int = 0
    updated_ms: int = 0


class Account(Struct, frozen=True, kw_only=True):
    """An account's cash, and its worth at the last prices."""

    investor_id: str
    cash: float
    held_cash: float
    available_cash: float
    equity: float
    realized_profit: float
    unrealized_profit: float
    trading_disabled: bool


class Position(Struct, frozen=True, kw_only=True):
    """An account's shares of one symbol; what depends on a last price is None before the first."""

    symbol: str
    quantity: int
    held_quantity: int
    average_price: float | None
    realized_profit: float
    last_price: float | None = None
    market_value: float | None = None
    unrealized_profit: float | None = None


class AccountSnapshot(Struct, frozen=True, kw_only=True):
    """What a private stream opens with, besides the open orders."""

    account: Account | None
    positions: list[Position]


class Execution(Struct, frozen=True, kw_only=True):
    """One change of one order, with the order as it stands after it.

    `(shard, offset, index)` is its identity; a refusal (`rejected`) of an order that is known leaves it.
    """

    shard: int
    offset: int
    index: int
    time_ms: int
    execution_type: str
    status: str
    order_id: str
    client_order_id: str | None
    investor_id: str
    symbol: str
    side: Side | None
    type: str | None
    time_in_force: str | None
    price: float | None
    stop_price: float | None
    quantity: int | None
    filled_quantity: int
    remaining_quantity: int
    average_price: float | None
    last_price: float | None = None
    last_quantity: int | None = None
    fee: float | None = None
    transaction_id: str | None = None
    liquidity: str | None = None
    reason: str | None = None
    message: str | None = None


class AccountChange(Struct, frozen=True, kw_only=True):
    """An account's balances after a command, and the positions that it changed."""

    shard: int
    offset: int
    index: int
    time_ms: int
    investor_id: str
    cash: float
    held_cash: float
    positions: list[Position]
