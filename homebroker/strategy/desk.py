"""What a strategy sees, and through what it acts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from engine.domain import (
    OPEN_STATUSES,
    PRICE_UNITS_MAX,
    QUANTITY_MAX,
    UNITS_PER_CURRENCY,
    Amend,
    Cancel,
    Command,
    Execution,
    ExecutionType,
    Level,
    OrderType,
    Place,
    Side,
    TimeInForce,
)
from homebroker.research.ladder import Ladder

_TICK_DUST: Final = 1e-6


@dataclass(slots=True)
class OpenOrder:
    """An order of one's own, as last heard or asked for; `price` None: at the market."""

    order_id: str
    side: Side
    price: float | None
    quantity: int
    filled: int = 0

    @property
    def left(self) -> int:
        """How many shares it may still trade."""
        return self.quantity - self.filled


class BookView:
    """The book as it was last heard of; prices in the currency's unit."""

    def __init__(self, ladder: Ladder) -> None:
        self._ladder = ladder

    @property
    def bid(self) -> float | None:
        """The best bid; None without one. Cost O(levels)."""
        return _price(max(self._ladder.bids, default=None))

    @property
    def ask(self) -> float | None:
        """The best ask; None without one. Cost O(levels)."""
        return _price(min(self._ladder.asks, default=None))

    @property
    def middle(self) -> float | None:
        """The middle of the best prices; None where a side is empty."""
        bid, ask = self.bid, self.ask
        return None if bid is None or ask is None else (bid + ask) / 2

    def levels(self, side: Side, count: int = 5) -> list[tuple[float, int]]:
        """Give the best levels of a side: price and shares, best first."""
        bids, asks = self._ladder.best(count)
        return [_told(level) for level in (bids if side is Side.BUY else asks)]


class Desk:
    """One symbol's market and one account in it.

    What is sent counts as done until the market says otherwise, so nothing is asked for twice.

    Attributes
    ----------
    symbol, investor_id : str
        What is traded, by whom.
    tick_size : float
        What prices are multiples of.
    lot_size : int
        What quantities are multiples of.
    time_ms : int
        The strategy's present, UTC milliseconds.
    book : BookView
        As it was last heard of, own orders included.
    position : int
        Shares, negative when short.
    cash : float
        In the currency's unit, fees taken off.
    orders : dict of str to OpenOrder
        Own open orders by id, oldest first.
    """

    def __init__(
        self,
        *,
        symbol: str,
        investor_id: str,
        tick_units: int,
        lot_size: int,
        cash_units: int,
        position: int,
        ladder: Ladder,
        order_prefix: str | None = None,
    ) -> None:
        self.symbol = symbol
        self.investor_id = investor_id
        self.tick_size = tick_units / UNITS_PER_CURRENCY
        self.lot_size = lot_size
        self.time_ms = 0
        self.book = BookView(ladder)
        self.position = position
        self.orders: dict[str, OpenOrder] = {}
        self._tick_units = tick_units
        self._cash_units = cash_units
        self._order_prefix = order_prefix or investor_id
        self._placed = 0
        self._wanted: list[Command] = []

    @property
    def cash(self) -> float:
        """Cash in the currency's unit."""
        return self._cash_units / UNITS_PER_CURRENCY

    def rounded(self, price: float, side: Side) -> float:
        """Give the nearest price that may be asked for, not better for the other side than this one."""
        ticks = price * UNITS_PER_CURRENCY / self._tick_units
        # A price that is one but for the last bit of its float stays.
        nearest = round(ticks)
        outward = math.floor(ticks) if side is Side.BUY else math.ceil(ticks)
        whole = nearest if abs(ticks - nearest) < _TICK_DUST else outward
        return max(1, whole) * self._tick_units / UNITS_PER_CURRENCY

    def place(
        self,
        side: Side | str,
        quantity: int,
        price: float | None = None,
        *,
        time_in_force: TimeInForce | str | None = None,
        post_only: bool = False,
        expires_at_ms: int | None = None,
    ) -> str:
        """Send an order and give its id.

        Parameters
        ----------
        side : str
            "buy" or "sell".
        quantity : int
            Shares.
        price : float, optional
            Of a limit order; without one it is a market order.
        time_in_force : str, optional
            Where left out, "gtc" for a limit order ("gtd" when it expires), "ioc" for a market order.
        post_only : bool
            Refuse it rather than have it trade at once.
        expires_at_ms : int, optional
            When a "gtd" order ends, UTC milliseconds.

        Raises
        ------
        ValueError
            When no market would take it; what this market makes of it comes to `on_fill` and `on_update`.
        """
        side = Side(side)
        _check_quantity(quantity)
        resting = TimeInForce.GTC if expires_at_ms is None else TimeInForce.GTD
        default = TimeInForce.IOC if price is None else resting
        self._placed += 1
        order_id = f"{self._order_prefix}-{self._placed}"
        self._wanted.append(
            Place(
                order_id=order_id,
                investor_id=self.investor_id,
                symbol=self.symbol,
                side=side,
                quantity=quantity,
                type=OrderType.MARKET if price is None else OrderType.LIMIT,
                price_units=None if price is None else self._units(price),
                time_in_force=default if time_in_force is None else TimeInForce(time_in_force),
                post_only=post_only,
                expires_at_ms=expires_at_ms,
            )
        )
        self.orders[order_id] = OpenOrder(order_id, side, price, quantity)
        return order_id

    def cancel(self, order_id: str) -> None:
        """Take an order out; one that is not open is let be."""
        if self.orders.pop(order_id, None) is not None:
            self._wanted.append(Cancel(order_id=order_id, investor_id=self.investor_id))

    def cancel_all(self) -> None:
        """Take all own orders out."""
        for order_id in list(self.orders):
            self.cancel(order_id)

    def amend(self, order_id: str, *, quantity: int | None = None, price: float | None = None) -> None:
        """Give an open order a new total quantity (filled shares count in it), a new price, or both.

        Only a smaller quantity at the same price keeps its place in the queue. An order that is not open is
        let be.
        """
        order = self.orders.get(order_id)
        if order is None or (quantity is None and price is None):
            return
        if quantity is not None:
            _check_quantity(quantity)
        self._wanted.append(
            Amend(
                order_id=order_id,
                investor_id=self.investor_id,
                quantity=quantity,
                price_units=None if price is None else self._units(price),
            )
        )
        order.quantity = quantity or order.quantity
        order.price = order.price if price is None else price

    def take_wanted(self) -> list[Command]:
        """Give what the strategy wants done since the last call: for the runner."""
        wanted, self._wanted = self._wanted, []
        return wanted

    def heard(self, report: Execution) -> None:
        """Take in what the market says of an own order: for the runner."""
        if report.execution_type is ExecutionType.TRADE:
            assert report.last_quantity is not None and report.last_price_units is not None
            sign = 1 if report.side is Side.BUY else -1
            self.position += sign * report.last_quantity
            self._cash_units -= sign * report.last_quantity * report.last_price_units
            self._cash_units -= report.fee_units or 0
        order = self.orders.get(report.order_id)
        if order is None:
            return
        if report.side is None or report.status not in OPEN_STATUSES:
            # A refused change of an open order reports the order, one of an ended order does not.
            del self.orders[report.order_id]
            return
        order.filled = report.filled_quantity
        if report.execution_type is ExecutionType.REJECTED:
            order.quantity = report.quantity or order.quantity
            order.price = _price(report.price_units)

    def _units(self, price: float) -> int:
        units = round(price * UNITS_PER_CURRENCY) if math.isfinite(price) else 0
        if not 0 < units <= PRICE_UNITS_MAX or units % self._tick_units:
            raise ValueError(f"{price} is no multiple of the tick of {self.tick_size}; see desk.rounded.")
        return units


def _check_quantity(quantity: int) -> None:
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 1 <= quantity <= QUANTITY_MAX:
        raise ValueError(f"{quantity!r} is no quantity; give a whole number from 1 to {QUANTITY_MAX:,}.")


def _price(units: int | None) -> float | None:
    return None if units is None else units / UNITS_PER_CURRENCY


def _told(level: Level) -> tuple[float, int]:
    return level.price_units / UNITS_PER_CURRENCY, level.quantity
