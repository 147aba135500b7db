"""What the API answers with and streams: one definition for the bytes and for the OpenAPI page.

None of the public ones names an investor or an order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from engine.domain import Liquidity, OrderType, Phase, Reason, SelfTrade, Side, Status, TimeInForce
from engine.wire.records import PriceLevel

encode = msgspec.json.Encoder().encode
Levels: TypeAlias = tuple[PriceLevel, ...]
NotReadyReason: TypeAlias = Literal["not_ready", "users_unavailable", "database_unavailable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a request was not done: a word for programs, a sentence for people."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker:
    """A listed asset and its day so far, which is the UTC-3 calendar day of the market's newest trade.

    What ends in `_24h` is of the 1,440 minutes to the market's time, the one it is in included.
    """

    symbol: str
    name: str
    tick_size: float
    lot_size: int
    reference_price: float
    phase: Phase
    last_price: float | None
    open: float | None
    high: float | None
    low: float | None
    volume: int
    change: float | None
    change_percent: float | None
    open_24h: float | None
    high_24h: float | None
    low_24h: float | None
    volume_24h: int
    trades_24h: int
    change_24h: float | None
    change_percent_24h: float | None
    bid: float | None
    ask: float | None
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRow:
    """One trade."""

    transaction_id: str
    symbol: str
    price: float
    quantity: int
    taker_side: Side
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionPage:
    """Trades from the history, newest first; `next_cursor` asks for those before them.

    Older ones than `history_begins_ms` were deleted; where it is null, none were.
    """

    transactions: list[TradeRow]
    next_cursor: str | None
    history_begins_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTradeRow:
    """One trade as one of its two sides sees it; `fee` is what that side paid."""

    transaction_id: str
    symbol: str
    price: float
    quantity: int
    side: Side
    time_ms: int
    order_id: str
    client_order_id: str | None
    liquidity: Liquidity | None
    fee: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTransactionPage:
    """An investor's own trades from the history, newest first; who traded with itself has both sides."""

    transactions: list[OwnTradeRow]
    next_cursor: str | None
    history_begins_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLevels:
    """A book as it stood after the command at `offset`, each side best price first."""

    symbol: str
    offset: int
    time_ms: int
    bids: Levels
    asks: Levels


@dataclass(frozen=True, slots=True, kw_only=True)
class BookChange:
    """Levels that changed after `previous_offset` up to `offset`; quantities are absolute, 0 removes one."""

    symbol: str
    offset: int
    previous_offset: int
    time_ms: int
    bids: Levels
    asks: Levels


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """Prices and volume of one interval; `closed` once the log's time is past its end."""

    time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    trades: int
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleEvent(Candle):
    """A candle on the stream."""

    symbol: str
    interval: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleList:
    """Candles, oldest first; an interval without a trade has none."""

    symbol: str
    interval: str
    candles: list[Candle]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order as the engine last reported it.

    `expires_at_ms` is that of a `gtd` order; `display_quantity` is how much of an iceberg shows at a time.
    """

    order_id: str
    client_order_id: str | None
    symbol: str
    side: Side | None
    type: OrderType | None
    time_in_force: TimeInForce | None
    expires_at_ms: int | None
    price: float | None
    stop_price: float | None
    quantity: int | None
    display_quantity: int | None
    post_only: bool
    self_trade: SelfTrade
    filled_quantity: int
    remaining_quantity: int
    average_price: float | None
    status: Status
    reason: Reason | None
    message: str | None
    created_ms: int
    updated_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPreview:
    """What an order would do now. Slippage is by how much a share is worse than the best price, or the mid.

    `needed_cash` must be free for the order to be taken; what would rest or wait then holds `held_cash` or
    `held_shares`. `would_be_refused` is null where nothing speaks against it.
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
    would_be_refused: Failure | None
    book_offset: int
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingOrder:
    """A command that is in the log and that the engine has not answered yet."""

    order_id: str
    status: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsRow:
    """What an account's orders may not exceed; null is no limit."""

    order_value_max: float | None
    open_orders_max: int | None
    orders_per_second_max: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """An account's cash, and its worth at the last prices; profit is before fees.

    `limits` is null where none were ever set; with `trading_disabled` the account can only cancel.
    """

    investor_id: str
    cash: float
    held_cash: float
    available_cash: float
    equity: float
    realized_profit: float
    unrealized_profit: float
    limits: LimitsRow | None
    trading_disabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRow:
    """An account's shares of one symbol, valued at its last price."""

    symbol: str
    quantity: int
    held_quantity: int
    average_price: float | None
    realized_profit: float
    last_price: float | None
    market_value: float | None
    unrealized_profit: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioPoint:
    """An account as everything before `time_ms` left it.

    `equity` is cash and market value; less `net_deposits` it is what was earned: realised and unrealised
    profit less fees.
    """

    time_ms: int
    equity: float
    cash: float
    market_value: float
    realized_profit: float
    unrealized_profit: float
    fees: float
    net_deposits: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioHistory:
    """Points, oldest first."""

    interval: str
    points: list[PortfolioPoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSnapshot:
    """What the account stream opens with; `account` is null before the account is opened."""

    account: AccountRow | None
    positions: list[PositionRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether the API can be used now, and why not.

    `reason` is `not_ready` where the market does not keep up, `users_unavailable` where nobody can sign in,
    and `database_unavailable` where only the history is away and orders are taken as ever.
    """

    status: str
    message: str
    reason: NotReadyReason | None = None
