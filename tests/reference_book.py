"""The rules of matching in the plainest words: one list of resting orders, searched anew for every trade.

Slow on purpose. Its answers are what the engine's must equal.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.domain import Amend, Cancel, CancelAll, OrderType, Place, SelfTrade, Side, TimeInForce


@dataclass
class Resting:
    """An order in the book, with its place in the queue."""

    place: Place
    price: int
    total: int
    filled: int
    queued: int

    @property
    def left(self) -> int:
        """Shares that may still trade."""
        return self.total - self.filled


class ReferenceBook:
    """One symbol's market. Each method gives what happened, as plain tuples."""

    def __init__(self) -> None:
        self.resting: list[Resting] = []
        self.ids: set[str] = set()
        self._queued = 0

    def place(self, place: Place) -> list[tuple[object, ...]]:
        """Run a new order."""
        if place.order_id in self.ids:
            return [("rejected", place.order_id, "duplicate_order_id")]
        limit = place.price_units
        best = self._best_against(place, None)
        if place.type is OrderType.MARKET_TO_LIMIT:
            if best is None:
                return [("rejected", place.order_id, "not_filled")]
            limit = best.price
        order = Resting(place, limit or 0, place.quantity, 0, 0)
        if place.post_only and self._best_against(place, limit) is not None:
            return [("rejected", place.order_id, "would_cross")]
        if place.time_in_force is TimeInForce.FOK and not self._fills_whole(place, limit):
            return [("rejected", place.order_id, "not_filled")]
        self.ids.add(place.order_id)
        happened, ended = self._trade(order, limit)
        if order.left and not ended:
            if limit is None or place.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
                happened.append(("expired", place.order_id, "not_filled"))
            else:
                self._queue(order)
        return [("new", place.order_id, None), *happened]

    def cancel(self, cancel: Cancel) -> list[tuple[object, ...]]:
        """Take an order out."""
        found = self._find(cancel.order_id)
        if found is None:
            return [("rejected", cancel.order_id, "unknown_order")]
        if found.place.investor_id != cancel.investor_id:
            return [("rejected", cancel.order_id, "not_owner")]
        self.resting.remove(found)
        return [("canceled", cancel.order_id, None)]

    def cancel_all(self, cancel: CancelAll) -> list[tuple[object, ...]]:
        """Take out all of an investor's orders."""
        own = [order for order in self.resting if order.place.investor_id == cancel.investor_id]
        if not own:
            return [("rejected", "", "unknown_order")]
        self.resting = [order for order in self.resting if order not in own]
        return sorted(("canceled", order.place.order_id, None) for order in own)

    def amend(self, amend: Amend) -> list[tuple[object, ...]]:
        """Change an order's total quantity, price, or both."""
        order = self._find(amend.order_id)
        if order is None:
            return [("rejected", amend.order_id, "unknown_order")]
        if order.place.investor_id != amend.investor_id:
            return [("rejected", amend.order_id, "not_owner")]
        total = amend.quantity or order.total
        price = amend.price_units or order.price
        if total <= order.filled:
            return [("rejected", amend.order_id, "bad_quantity")]
        if price == order.price and total <= order.total:
            order.total = total
            return [("replaced", amend.order_id, None)]
        if order.place.post_only and self._best_against(order.place, price) is not None:
            return [("rejected", amend.order_id, "would_cross")]
        self.resting.remove(order)
        order.total, order.price = total, price
        happened, ended = self._trade(order, price)
        if order.left and not ended:
            self._queue(order)
        return [("replaced", amend.order_id, None), *happened]

    def levels(self, side: Side) -> dict[int, int]:
        """Give the shares that rest at each price."""
        levels: dict[int, int] = {}
        for order in self.resting:
            if order.place.side is side:
                levels[order.price] = levels.get(order.price, 0) + order.left
        return levels

    def _trade(self, taker: Resting, limit: int | None) -> tuple[list[tuple[object, ...]], bool]:
        happened: list[tuple[object, ...]] = []
        place = taker.place
        while taker.left and (maker := self._best_against(place, limit)) is not None:
            own = maker.place.investor_id == place.investor_id
            if own and place.self_trade is not SelfTrade.NONE:
                if place.self_trade is not SelfTrade.EXPIRE_TAKER:
                    self.resting.remove(maker)
                    happened.append(("expired", maker.place.order_id, "self_trade"))
                if place.self_trade is not SelfTrade.EXPIRE_MAKER:
                    happened.append(("expired", place.order_id, "self_trade"))
                    return happened, True
                continue
            quantity = min(taker.left, maker.left)
            happened.append(("trade", maker.place.order_id, place.order_id, maker.price, quantity))
            taker.filled += quantity
            maker.filled += quantity
            if not maker.left:
                self.resting.remove(maker)
        return happened, False

    def _fills_whole(self, place: Place, limit: int | None) -> bool:
        wanted = place.quantity
        for maker in self._against(place, limit):
            if maker.place.investor_id == place.investor_id and place.self_trade is not SelfTrade.NONE:
                if place.self_trade is SelfTrade.EXPIRE_MAKER:
                    continue
                break
            wanted -= maker.left
        return wanted <= 0

    def _against(self, place: Place, limit: int | None) -> list[Resting]:
        buying = place.side is Side.BUY
        makers = [
            order
            for order in self.resting
            if order.place.side is not place.side
            and (limit is None or (order.price <= limit if buying else order.price >= limit))
        ]
        return sorted(makers, key=lambda order: (order.price if buying else -order.price, order.queued))

    def _best_against(self, place: Place, limit: int | None) -> Resting | None:
        return next(iter(self._against(place, limit)), None)

    def _find(self, order_id: str) -> Resting | None:
        return next((order for order in self.resting if order.place.order_id == order_id), None)

    def _queue(self, order: Resting) -> None:
        self._queued += 1
        order.queued = self._queued
        self.resting.append(order)
