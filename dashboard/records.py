"""What the API tells of the past and of the system, as far as the slower pages need it."""

from __future__ import annotations

from msgspec import Struct


class Execution(Struct, frozen=True, kw_only=True):
    """One change of one order of one's own."""

    execution_id: str
    time_ms: int
    execution_type: str
    status: str
    order_id: str
    symbol: str
    side: str | None = None
    type: str | None = None
    time_in_force: str | None = None
    price: float | None = None
    stop_price: float | None = None
    quantity: int | None = None
    filled_quantity: int = 0
    remaining_quantity: int = 0
    average_price: float | None = None
    last_price: float | None = None
    last_quantity: int | None = None
    fee: float | None = None
    liquidity: str | None = None
    reason: str | None = None
    message: str | None = None


class ExecutionPage(Struct, frozen=True, kw_only=True):
    """Executions, newest first."""

    executions: list[Execution]
    next_cursor: str | None = None


class PastOrder(Struct, frozen=True, kw_only=True):
    """An order as it stands, with when it came and last changed."""

    order_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    status: str
    quantity: int
    created_ms: int
    updated_ms: int
    filled_quantity: int = 0
    remaining_quantity: int = 0
    price: float | None = None
    stop_price: float | None = None
    average_price: float | None = None
    reason: str | None = None
    message: str | None = None


class DailyPosition(Struct, frozen=True, kw_only=True):
    """Shares of a symbol as a day left them; `realized_profit` is of all days so far."""

    day_ms: int
    symbol: str
    quantity: int
    average_price: float | None
    realized_profit: float


class Candle(Struct, frozen=True, kw_only=True):
    """Prices and volume of an interval."""

    time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    trades: int


class CandleList(Struct, frozen=True, kw_only=True):
    """Candles, oldest first."""

    candles: list[Candle]


class Trade(Struct, frozen=True, kw_only=True):
    """One trade of the market."""

    transaction_id: str
    symbol: str
    price: float
    quantity: int
    taker_side: str
    time_ms: int


class TradePage(Struct, frozen=True, kw_only=True):
    """Trades, newest first."""

    transactions: list[Trade]
    next_cursor: str | None = None


class Part(Struct, frozen=True, kw_only=True):
    """Where a part of the market stands."""

    name: str
    state: str
    message: str
    lag_records: int | None = None


class SystemStatus(Struct, frozen=True, kw_only=True):
    """The market's parts, and how old its newest event is."""

    parts: list[Part]
    market_time_ms: int
    silent_ms: int
    accounts: int
    symbols: int


class SimulatorWish(Struct, frozen=True, kw_only=True):
    """What the simulator is to do."""

    scenario: str
    rate: float | None = None
    since_ms: int = 0


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One act of somebody."""

    time_ms: int
    actor: str
    act: str
    subject: str
    outcome: str


class AuditPage(Struct, frozen=True, kw_only=True):
    """Acts, newest first."""

    entries: list[AuditEntry]
