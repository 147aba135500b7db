"""One symbol's resting orders in price-time priority."""

from __future__ import annotations

from collections.abc import Iterator

from sortedcontainers import SortedDict

from engine.domain import BookChanged, Level, Side
from engine.order import Order


class PriceLevel:
    """The orders that rest at one price, oldest first."""

    __slots__ = ("orders", "quantity")

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.quantity = 0


class BookSide:
    """The bids or the asks of a book. Prices are kept sorted by a key that puts the best first."""

    def __init__(self, side: Side) -> None:
        self._sign = -1 if side is Side.BUY else 1
        self._levels: SortedDict[int, PriceLevel] = SortedDict()
        self.changed: set[int] = set()

    def best_price(self) -> int | None:
        """Give the best price, or None when nothing rests. Cost O(1)."""
        return self._sign * self._levels.peekitem(0)[0] if self._levels else None

    def best_order(self) -> Order | None:
        """Give the order that trades first, or None when nothing rests. Cost O(1)."""
        return next(iter(self._levels.peekitem(0)[1].orders.values())) if self._levels else None

    def orders(self) -> Iterator[Order]:
        """Walk the resting orders in the order in which they would trade."""
        for level in self._levels.values():
            yield from level.orders.values()

    def add(self, order: Order) -> None:
        """Rest an order behind those of its price. Cost O(log levels)."""
        price = _price_of(order)
        level = self._levels.get(self._sign * price)
        if level is None:
            level = self._levels[self._sign * price] = PriceLevel()
        level.orders[order.order_id] = order
        level.quantity += order.remaining_quantity
        self.changed.add(price)

    def remove(self, order: Order) -> None:
        """Take an order out; its remaining quantity must be what it was while it rested."""
        self.reduce(order, order.remaining_quantity)
        key = self._sign * _price_of(order)
        level = self._levels[key]
        del level.orders[order.order_id]
        if not level.orders:
            assert level.quantity == 0
            del self._levels[key]

    def reduce(self, order: Order, quantity: int) -> None:
        """Count shares of a resting order as no longer there; the order keeps its place."""
        price = _price_of(order)
        self._levels[self._sign * price].quantity -= quantity
        self.changed.add(price)

    def levels(self) -> tuple[Level, ...]:
        """Give all price levels, best first."""
        return tuple(
            Level(self._sign * key, level.quantity, len(level.orders)) for key, level in self._levels.items()
        )

    def take_changed(self) -> tuple[Level, ...]:
        """Give the levels that changed since the last call, best first; emptied ones with quantity 0."""
        keys = sorted(self._sign * price for price in self.changed)
        self.changed.clear()
        return tuple(self._level_at(key) for key in keys)

    def _level_at(self, key: int) -> Level:
        level = self._levels.get(key)
        if level is None:
            return Level(self._sign * key, 0, 0)
        return Level(self._sign * key, level.quantity, len(level.orders))


class OrderBook:
    """Both sides of one symbol, and which of it readers have not been told yet."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.bids = BookSide(Side.BUY)
        self.asks = BookSide(Side.SELL)
        self.last_price_units: int | None = None
        self._told_offset = -1
        self._changed_offset = -1
        self._changed_time_ms = 0

    def side(self, side: Side) -> BookSide:
        """Give the side on which orders of `side` rest."""
        return self.bids if side is Side.BUY else self.asks

    def mark_changed(self, offset: int, time_ms: int) -> bool:
        """Note the command that last changed the book; tell whether there is anything to publish."""
        if not (self.bids.changed or self.asks.changed):
            return False
        self._changed_offset = offset
        self._changed_time_ms = time_ms
        return True

    def take_changes(self) -> BookChanged:
        """Give the levels changed since the last record, which this one follows; at first, the whole book."""
        if self._told_offset < 0:
            return self.take_snapshot(self._changed_offset, self._changed_time_ms)
        return self._record(
            snapshot=False,
            offset=self._changed_offset,
            time_ms=self._changed_time_ms,
            bids=self.bids.take_changed(),
            asks=self.asks.take_changed(),
        )

    def take_snapshot(self, offset: int, time_ms: int) -> BookChanged:
        """Give the whole book as it stands after a command; later records follow this one."""
        self.bids.changed.clear()
        self.asks.changed.clear()
        return self._record(
            snapshot=True, offset=offset, time_ms=time_ms, bids=self.bids.levels(), asks=self.asks.levels()
        )

    def _record(
        self,
        *,
        snapshot: bool,
        offset: int,
        time_ms: int,
        bids: tuple[Level, ...],
        asks: tuple[Level, ...],
    ) -> BookChanged:
        previous, self._told_offset = self._told_offset, offset
        return BookChanged(
            symbol=self.symbol,
            offset=offset,
            previous_offset=previous,
            time_ms=time_ms,
            snapshot=snapshot,
            bids=bids,
            asks=asks,
        )


def crosses(side: Side, price_units: int, opposite_units: int) -> bool:
    """Tell whether an order of `side` at a price may trade with a resting one of the other side."""
    return price_units >= opposite_units if side is Side.BUY else price_units <= opposite_units


def _price_of(order: Order) -> int:
    assert order.price_units is not None, "only orders with a price rest"
    return order.price_units
