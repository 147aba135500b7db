"""What the API answers and streams, as typed values. Fields that a newer API adds are passed over.

Prices and cash are in the currency's unit, quantities whole shares, times UTC milliseconds.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Side: TypeAlias = Literal["buy", "sell"]
OrderType: TypeAlias = Literal["limit", "market", "market_to_limit", "stop", "stop_limit"]
TimeInForce: TypeAlias = Literal["day", "gtc", "gtd", "ioc", "fok", "at_open", "at_close"]
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
    type: OrderType = "limit"
    price: float | None = None
    stop_price: float | None = None
    time_in_force: TimeInForce = "day"
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
    display_quantity: int | None = None
    post_only: bool = False
    self_trade: str = "expire_taker"
    expires_at_ms: int | None = None
    reason: str | None = None
    message: str | None = None
    created_ms: int = 0
    updated_ms: int = 0


class Refusal(Struct, frozen=True):
    """Why something was not done: a word for programs, a sentence for people."""

    reason: str = "refused"
    message: str = ""


class OrderPreview(Struct, frozen=True, kw_only=True):
    """What an order would do now. Slippage is by how much a share is worse than the best price, or the mid.

    `needed_cash` must be free for the order to be taken; what would rest or wait then holds `held_cash` or
    `held_shares`.
    """

    symbol: str
    side: Side
    quantity: int
    filled_quantity: int
    resting_quantity: int
    expiring_quantity: int
    average_price: float | None
    worst_price: float | None
    best_price: float | None
    mid_price: float | None
    slippage_to_best: float | None
    slippage_to_mid: float | None
    value: float
    fees: float
    needed_cash: float
    held_cash: float
    held_shares: int
    cash_after: float
    available_cash_after: float
    would_be_refused: Refusal | None


class User(Struct, frozen=True, kw_only=True):
    """Who is signed in. `investor_id` is the account that is traded; None: none."""

    username: str
    role: Literal["trader", "analyst", "admin"]
    investor_id: str | None

    @property
    def trades(self) -> bool:
        """Whether there is an account that this user may trade."""
        return self.role != "analyst" and self.investor_id is not None


class Act(Struct, frozen=True, kw_only=True):
    """What became of a command about an account; `pending`: the engine has yet to answer."""

    status: Literal["done", "pending"]
    message: str = ""


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


class OrderChange(Struct, frozen=True, kw_only=True):
    """One change of one order, with the order as it stands after it."""

    time_ms: int
    execution_type: str
    status: str
    order_id: str
    client_order_id: str | None
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
    display_quantity: int | None = None
    post_only: bool = False
    self_trade: str = "expire_taker"
    expires_at_ms: int | None = None
    last_price: float | None = None
    last_quantity: int | None = None
    fee: float | None = None
    liquidity: str | None = None
    reason: str | None = None
    message: str | None = None


class Execution(OrderChange, frozen=True, kw_only=True):
    """A change as a stream tells it.

    `(shard, offset, index)` is its identity; a refusal (`rejected`) of an order that is known leaves it.
    """

    shard: int
    offset: int
    index: int
    investor_id: str
    transaction_id: str | None = None


class PastExecution(OrderChange, frozen=True, kw_only=True):
    """A change as the history tells it; `execution_id` says where it stands in the log."""

    execution_id: str


class ExecutionPage(Struct, frozen=True, kw_only=True):
    """Executions of the history, newest first; `next_cursor` asks for those before them."""

    executions: list[PastExecution]
    next_cursor: str | None


class DailyPosition(Struct, frozen=True, kw_only=True):
    """Shares of a symbol as a day left them; `realized_profit` is of all days so far."""

    day_ms: int
    symbol: str
    quantity: int
    average_price: float | None
    realized_profit: float


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
