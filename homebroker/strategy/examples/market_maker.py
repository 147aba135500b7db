"""A market maker: quotes both sides around the middle and leans against what it holds."""

from __future__ import annotations

from engine.domain import Execution, Side
from homebroker.strategy.desk import Desk
from homebroker.strategy.strategy import Fill, Strategy


class MarketMaker(Strategy):
    """Keeps one quote on each side.

    Parameters
    ----------
    quantity : int
        Shares of each quote.
    half_spread_ticks : float
        From its own middle to its quotes.
    position_max : int
        No quote on the side that would take it beyond.
    lean_ticks : float
        By how much its middle is off the market's when it holds all it may: lower when long.
    patience_ms : int
        A quote stays at least so long, unless it is filled: to keep its place in the queue.
    """

    timer_ms = 1_000

    def __init__(
        self,
        *,
        quantity: int = 100,
        half_spread_ticks: float = 1.0,
        position_max: int = 1_000,
        lean_ticks: float = 2.0,
        patience_ms: int = 500,
    ) -> None:
        self._quantity = quantity
        self._half_spread_ticks = half_spread_ticks
        self._position_max = position_max
        self._lean_ticks = lean_ticks
        self._patience_ms = patience_ms
        self._quotes: dict[Side, str] = {}
        self._quoted_ms: dict[Side, int] = {}

    def on_book(self, desk: Desk) -> None:
        """Move the quotes to where they should be."""
        self._requote(desk)

    def on_timer(self, desk: Desk) -> None:
        """Move the quotes also where nothing happens."""
        self._requote(desk)

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        """Quote anew; the position has changed."""
        self._quoted_ms.pop(fill.side, None)
        self._requote(desk)

    def on_update(self, desk: Desk, report: Execution) -> None:  # noqa: ARG002 - all are told alike
        """Forget a quote that the market refused or ended."""
        for side, order_id in list(self._quotes.items()):
            if order_id not in desk.orders:
                del self._quotes[side]

    def _requote(self, desk: Desk) -> None:
        middle = desk.book.middle
        if middle is None:
            return
        lean = self._lean_ticks * desk.position / self._position_max
        for side, away in ((Side.BUY, -1), (Side.SELL, 1)):
            price = desk.rounded(middle + (away * self._half_spread_ticks - lean) * desk.tick_size, side)
            holds_all = away * desk.position <= -self._position_max
            self._quote(desk, side, None if holds_all else price)

    def _quote(self, desk: Desk, side: Side, price: float | None) -> None:
        order = desk.orders.get(self._quotes.get(side, ""))
        if order is not None:
            waits = desk.time_ms - self._quoted_ms.get(side, 0) < self._patience_ms
            if order.price == price or (waits and price is not None):
                return
            desk.cancel(order.order_id)
        if price is not None:
            self._quotes[side] = desk.place(side, self._quantity, price, post_only=True)
            self._quoted_ms[side] = desk.time_ms
