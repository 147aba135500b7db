"""What the API is asked and what it answers, as far as the page's server needs it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Side: TypeAlias = Literal["buy", "sell"]
OrderType: TypeAlias = Literal["limit", "market", "market_to_limit", "stop", "stop_limit"]
TimeInForce: TypeAlias = Literal["day", "gtc", "gtd", "ioc", "fok"]


class User(Struct, frozen=True, kw_only=True):
    """Who is signed in. `investor_id` is the account that is traded; None: none."""

    username: str
    role: Literal["trader", "analyst", "admin"]
    investor_id: str | None = None

    @property
    def trades(self) -> bool:
        """Whether there is an account that this user may trade."""
        return self.role != "analyst" and self.investor_id is not None


class Asset(Struct, frozen=True, kw_only=True):
    """A listed symbol, as far as a ticket needs it."""

    symbol: str
    name: str
    tick_size: float
    lot_size: int
    reference_price: float
    last_price: float | None = None


class NewOrder(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order to place or preview; the same `client_order_id` twice is one order."""

    symbol: str
    side: Side
    type: OrderType
    quantity: int
    time_in_force: TimeInForce
    client_order_id: str | None = None
    price: float | None = None
    stop_price: float | None = None
    display_quantity: int | None = None
    expires_at_ms: int | None = None
    post_only: bool = False


class Order(Struct, frozen=True, kw_only=True):
    """An order as the engine left it; `pending` when the engine has not answered yet."""

    order_id: str
    symbol: str
    side: Side
    status: str
    quantity: int | None = None
    filled_quantity: int = 0
    remaining_quantity: int = 0
    price: float | None = None
    stop_price: float | None = None
    average_price: float | None = None
    reason: str | None = None
    message: str | None = None


class Refusal(Struct, frozen=True):
    """Why something was not done: a word for programs, a sentence for people."""

    reason: str = "refused"
    message: str = ""


class OrderPreview(Struct, frozen=True, kw_only=True):
    """What an order would do now; slippage is by how much a share is worse than the best price."""

    side: Side
    quantity: int
    filled_quantity: int
    resting_quantity: int
    expiring_quantity: int
    average_price: float | None
    slippage_to_best: float | None
    value: float
    fees: float
    needed_cash: float = 0.0
    held_cash: float
    held_shares: int
    available_cash_after: float
    would_be_refused: Refusal | None


class Act(Struct, frozen=True, kw_only=True):
    """What became of a command about the account; `pending`: the engine has yet to answer."""

    status: Literal["done", "pending"]
    message: str = ""


class Account(Struct, frozen=True, kw_only=True):
    """What is there to trade with."""

    cash: float = 0.0
    available_cash: float = 0.0


class Position(Struct, frozen=True, kw_only=True):
    """Shares of one symbol; those that open sells hold cannot be sold again."""

    symbol: str
    quantity: int
    held_quantity: int = 0
    average_price: float | None = None
    last_price: float | None = None
    market_value: float | None = None
    realized_profit: float = 0.0
    unrealized_profit: float | None = None
