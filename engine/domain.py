"""The market's words: commands that change it and events that tell what changed.

Money is an integer count of ten-thousandths of the currency unit (`*_units`), quantities are integer
shares, times are UTC milliseconds. The bounds below keep every product of them within 64 bits.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

UNITS_PER_CURRENCY = 10_000
PRICE_UNITS_MAX = 1_000_000 * UNITS_PER_CURRENCY
QUANTITY_MAX = 100_000_000
# Below 2**53, so that a JSON number carries every amount exactly.
CASH_UNITS_MAX = 10**11 * UNITS_PER_CURRENCY
BALANCE_UNITS_MAX = 9 * CASH_UNITS_MAX
BALANCE_QUANTITY_MAX = 10**11
ORDER_VALUE_UNITS_MAX = CASH_UNITS_MAX
# Fees are counted in millionths of a trade's value, hundredths of a basis point.
FEE_PPM_MAX = 100_000
PPM_PER_BASIS_POINT = 100
LIMIT_COUNT_MAX = 1_000_000_000
HOUSE_ID = "house"
"""The account that fees are paid to; it is there from the beginning."""
ID_LENGTH_MAX = 64
NAME_LENGTH_MAX = 128
SYMBOL_PATTERN = r"^[A-Z0-9][A-Z0-9.\-]{0,15}$"
TIME_MS_MAX = 253_402_300_799_999


class Side(StrEnum):
    """Which way an order trades."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        """The side that this one trades with."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """How an order finds its price."""

    LIMIT = "limit"
    MARKET = "market"
    MARKET_TO_LIMIT = "market_to_limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"


class TimeInForce(StrEnum):
    """How long an order lives."""

    DAY = "day"
    GTC = "gtc"
    GTD = "gtd"
    IOC = "ioc"
    FOK = "fok"
    AT_OPEN = "at_open"
    AT_CLOSE = "at_close"


class SelfTrade(StrEnum):
    """What happens when an order would trade with another of the same investor."""

    EXPIRE_TAKER = "expire_taker"
    EXPIRE_MAKER = "expire_maker"
    EXPIRE_BOTH = "expire_both"
    NONE = "none"


class Phase(StrEnum):
    """What a symbol's market does with orders."""

    CONTINUOUS = "continuous"
    AUCTION = "auction"
    HALTED = "halted"
    CLOSED = "closed"


class Status(StrEnum):
    """Where an order stands in its life; `pending_trigger` is accepted and waits outside the book."""

    PENDING_TRIGGER = "pending_trigger"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


OPEN_STATUSES = frozenset({Status.PENDING_TRIGGER, Status.NEW, Status.PARTIALLY_FILLED})


class ExecutionType(StrEnum):
    """What just happened to an order."""

    NEW = "new"
    TRADE = "trade"
    CANCELED = "canceled"
    REPLACED = "replaced"
    EXPIRED = "expired"
    REJECTED = "rejected"
    TRIGGERED = "triggered"


class Liquidity(StrEnum):
    """Whether a fill's order rested in the book or came to it."""

    MAKER = "maker"
    TAKER = "taker"


class Reason(StrEnum):
    """Why a command was refused, or an order ended unasked."""

    MALFORMED = "malformed"
    UNKNOWN_SYMBOL = "unknown_symbol"
    UNKNOWN_INVESTOR = "unknown_investor"
    UNKNOWN_ORDER = "unknown_order"
    NOT_OWNER = "not_owner"
    DUPLICATE_ORDER_ID = "duplicate_order_id"
    DUPLICATE_INVESTOR = "duplicate_investor"
    BAD_PRICE = "bad_price"
    BAD_QUANTITY = "bad_quantity"
    BAD_EXPIRY = "bad_expiry"
    BAD_ASSET = "bad_asset"
    INSUFFICIENT_CASH = "insufficient_cash"
    INSUFFICIENT_SHARES = "insufficient_shares"
    PRICE_BAND = "price_band"
    WOULD_CROSS = "would_cross"
    NOT_FILLED = "not_filled"
    SELF_TRADE = "self_trade"
    HALTED = "halted"
    TRADING_DISABLED = "trading_disabled"
    LIMIT_EXCEEDED = "limit_exceeded"
    UNSUPPORTED = "unsupported"
    DUPLICATE_TRANSFER_ID = "duplicate_transfer_id"


class Place(Struct, frozen=True, kw_only=True):
    """Put a new order into the market."""

    order_id: str
    investor_id: str
    symbol: str
    side: Side
    quantity: int
    type: OrderType = OrderType.LIMIT
    price_units: int | None = None
    stop_price_units: int | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    expires_at_ms: int | None = None
    display_quantity: int | None = None
    post_only: bool = False
    self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER
    client_order_id: str | None = None


class Cancel(Struct, frozen=True, kw_only=True):
    """Take an open order out of the market."""

    order_id: str
    investor_id: str


class CancelAll(Struct, frozen=True, kw_only=True):
    """Take all of an investor's open orders out, of one symbol or of all."""

    investor_id: str
    symbol: str | None = None


class Amend(Struct, frozen=True, kw_only=True):
    """Give an open order a new total quantity (what is filled counts in it), a new price, or both."""

    order_id: str
    investor_id: str
    quantity: int | None = None
    price_units: int | None = None


class ListAsset(Struct, frozen=True, kw_only=True):
    """Make a symbol tradable; again for a listed one, change its name, band and fees."""

    symbol: str
    name: str
    tick_size_units: int
    lot_size: int
    reference_price_units: int
    price_band: float | None = None
    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0


class OpenAccount(Struct, frozen=True, kw_only=True):
    """Let an investor trade."""

    investor_id: str
    unlimited: bool = False


class Deposit(Struct, frozen=True, kw_only=True):
    """Put cash, or shares of a symbol, into an account; with a `transfer_id` only once."""

    investor_id: str
    cash_units: int | None = None
    symbol: str | None = None
    quantity: int | None = None
    transfer_id: str | None = None


class Withdraw(Struct, frozen=True, kw_only=True):
    """Take cash, or shares of a symbol, out of an account; with a `transfer_id` only once."""

    investor_id: str
    cash_units: int | None = None
    symbol: str | None = None
    quantity: int | None = None
    transfer_id: str | None = None


class SetLimits(Struct, frozen=True, kw_only=True):
    """Give an account these limits, and no others; None is no limit."""

    investor_id: str
    order_value_max_units: int | None = None
    open_orders_max: int | None = None
    orders_per_second_max: int | None = None


class KillSwitch(Struct, frozen=True, kw_only=True):
    """Cancel all of an account's orders and refuse new ones; or, with `on` false, let it trade again."""

    investor_id: str
    on: bool


class SetPhase(Struct, frozen=True, kw_only=True):
    """Open, halt or close a symbol's market."""

    symbol: str
    phase: Phase


class Malformed(Struct, frozen=True, kw_only=True):
    """A record that is no command; what could be read of it, and what was wrong."""

    message: str
    order_id: str = ""
    investor_id: str = ""
    symbol: str = ""


Command: TypeAlias = (
    Place
    | Cancel
    | CancelAll
    | Amend
    | ListAsset
    | OpenAccount
    | Deposit
    | Withdraw
    | SetLimits
    | KillSwitch
    | SetPhase
    | Malformed
)


class Trade(Struct, frozen=True, kw_only=True):
    """Shares that changed hands, at the maker's price."""

    symbol: str
    price_units: int
    quantity: int
    buyer_id: str
    seller_id: str
    buy_order_id: str
    sell_order_id: str
    taker_side: Side


class Execution(Struct, frozen=True, kw_only=True):
    """One change of one order, with the order as it stands after it.

    `traded_units` is the value traded so far (price × quantity summed), from which the average price
    follows. `trade_index` is the trade's place among the command's trades, `fee_units` what the order's
    account pays for it. `expires_at_ms` is that of a gtd order: others end by rules that their
    `time_in_force` tells.
    """

    execution_type: ExecutionType
    status: Status
    order_id: str = ""
    client_order_id: str | None = None
    investor_id: str = ""
    symbol: str = ""
    side: Side | None = None
    type: OrderType | None = None
    time_in_force: TimeInForce | None = None
    price_units: int | None = None
    stop_price_units: int | None = None
    quantity: int | None = None
    filled_quantity: int = 0
    remaining_quantity: int = 0
    traded_units: int = 0
    display_quantity: int | None = None
    post_only: bool = False
    self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER
    expires_at_ms: int | None = None
    last_price_units: int | None = None
    last_quantity: int | None = None
    fee_units: int | None = None
    trade_index: int | None = None
    liquidity: Liquidity | None = None
    reason: Reason | None = None
    message: str | None = None


class Position(Struct, frozen=True, kw_only=True):
    """An account's shares of one symbol; held ones are promised to open sell orders."""

    symbol: str
    quantity: int
    held_quantity: int
    cost_units: int
    realized_profit_units: int


class Limits(Struct, frozen=True, kw_only=True):
    """What an account's orders may not exceed; None is no limit."""

    order_value_max_units: int | None
    open_orders_max: int | None
    orders_per_second_max: int | None


class AccountChanged(Struct, frozen=True, kw_only=True):
    """An account's balances after a command, with what else of it the command changed.

    `limits` are given where the command set them, `trading_disabled` where it turned the kill switch.
    """

    investor_id: str
    cash_units: int
    held_cash_units: int
    positions: tuple[Position, ...] = ()
    limits: Limits | None = None
    trading_disabled: bool | None = None


class AssetChanged(Struct, frozen=True, kw_only=True):
    """An asset as it now is."""

    symbol: str
    name: str
    tick_size_units: int
    lot_size: int
    reference_price_units: int
    price_band: float | None
    maker_fee_ppm: int
    taker_fee_ppm: int
    phase: Phase


class Level(Struct, frozen=True):
    """What rests at one price; a quantity of 0 says that nothing does any more."""

    price_units: int
    quantity: int
    order_count: int


class BookChanged(Struct, frozen=True, kw_only=True):
    """Price levels as they are after the commands from `previous_offset` (not included) to `offset`."""

    symbol: str
    offset: int
    previous_offset: int
    time_ms: int
    snapshot: bool
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


Event: TypeAlias = Trade | Execution | AccountChanged | AssetChanged
