"""What a strategy's author writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from engine.domain import Execution, Liquidity, Side

if TYPE_CHECKING:
    from homebroker.strategy.desk import Desk


class TapeTrade(Struct, frozen=True, kw_only=True):
    """A trade of anybody's, as the public tape tells it."""

    time_ms: int
    price: float
    quantity: int
    taker_side: Side


class Fill(Struct, frozen=True, kw_only=True):
    """A trade of one's own. `fee` is in the currency's unit; `left` is what the order may still trade."""

    time_ms: int
    order_id: str
    side: Side
    price: float
    quantity: int
    liquidity: Liquidity
    fee: float
    left: int


class Strategy:
    """Reacts to one symbol's market. Override what is needed; the rest does nothing.

    Whatever it wants done it does through the desk. What it sees is as old, and what it sends arrives as
    late, as the runner says; it cannot tell a recorded market from a live one.

    Attributes
    ----------
    timer_ms : int or None
        How often `on_timer` is called, in the market's milliseconds; None: never.
    """

    timer_ms: int | None = None

    def on_start(self, desk: Desk) -> None:
        """Begin; the book is known."""

    def on_book(self, desk: Desk) -> None:
        """React to a change of the book, which `desk.book` shows."""

    def on_trade(self, desk: Desk, trade: TapeTrade) -> None:
        """React to a trade, one's own included."""

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        """React to a trade of one's own; position and orders have it already."""

    def on_update(self, desk: Desk, report: Execution) -> None:
        """React to any other change of an own order: accepted, refused, cancelled, expired."""

    def on_timer(self, desk: Desk) -> None:
        """React to the time."""

    def on_stop(self, desk: Desk) -> None:
        """End; open orders are cancelled behind what is done here."""


def check_strategy(strategy: object) -> None:
    """Refuse what is no strategy."""
    if isinstance(strategy, type):
        raise TypeError(f"{strategy.__name__} is a class; give one of it: {strategy.__name__}().")
    if not isinstance(strategy, Strategy):
        raise TypeError(f"This {type(strategy).__name__} is no hb.Strategy; give one, as in the notebooks.")
