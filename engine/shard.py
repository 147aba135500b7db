"""A shard: the state of its symbols and accounts, as a pure function of the commands applied to it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from msgspec import structs

from engine import domain
from engine.asset import Asset
from engine.book import OrderBook
from engine.checks import check_listing, check_open, check_place, check_price, check_quantity
from engine.domain import (
    BookChanged,
    Event,
    Execution,
    ExecutionType,
    Liquidity,
    OrderType,
    Reason,
    Side,
    Status,
    TimeInForce,
    Trade,
)
from engine.ledger import Ledger
from engine.matching import Match, Meeting, can_fill, next_match, would_cross
from engine.order import Order, order_from, rejected_place, report
from engine.refusal import Refusal

_DAY_MS = 86_400_000
# The exchange's day is Brazil's, three hours behind UTC the whole year.
_DAY_STARTS_MS = 3 * 3_600_000
_RESTING_TIMES = frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD})


class Shard:
    """The books, assets and accounts of one partition of the log.

    Parameters
    ----------
    number : int
        The partition's number.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.offset = -1
        self.time_ms = 0
        self._assets: dict[str, Asset] = {}
        self._ledger = Ledger()
        self._orders: dict[str, Order] = {}
        self._order_ids: set[str] = set()
        self._expiries: list[tuple[int, int, str]] = []
        self._events: list[Event] = []
        self._trades = 0
        self._unpublished: set[str] = set()
        self._appliers: dict[type[domain.Command], Callable[[Any], None]] = {
            domain.Place: self._place,
            domain.Cancel: self._cancel,
            domain.CancelAll: self._cancel_all,
            domain.Amend: self._amend,
            domain.ListAsset: self._list_asset,
            domain.OpenAccount: self._ledger.open,
            domain.Deposit: self._deposit,
            domain.Withdraw: self._withdraw,
            domain.SetPhase: self._set_phase,
            domain.Malformed: self._refuse_malformed,
        }

    def apply(self, command: domain.Command, *, offset: int, time_ms: int) -> list[Event]:
        """Run the next command of the log.

        Parameters
        ----------
        command : Command
            What the record at `offset` says.
        offset : int
            The record's offset, higher than that of every command before.
        time_ms : int
            The record's timestamp; the shard's time never goes back when this does.

        Returns
        -------
        list of Event
            What happened, in order: trades, reports and assets, then the accounts that changed. Every
            command has at least one event. Cost O(orders met + log levels).
        """
        assert offset > self.offset, "commands come in the log's order"
        self.offset = offset
        self.time_ms = max(self.time_ms, time_ms)
        self._events, self._trades = [], 0
        self._expire_due()
        try:
            self._appliers[type(command)](command)
        except Refusal as refusal:
            self._events.append(self._refused(command, refusal))
        self._events.extend(self._ledger.take_changes())
        return self._events

    def order(self, order_id: str) -> Order | None:
        """Give an open order, or None when there is none of that id."""
        return self._orders.get(order_id)

    def take_book_changes(self) -> list[BookChanged]:
        """Give the price levels changed since the last call, one record a symbol, oldest change first."""
        changes = [self._assets[symbol].book.take_changes() for symbol in sorted(self._unpublished)]
        self._unpublished.clear()
        return sorted(changes, key=lambda change: change.offset)

    def book_snapshots(self) -> list[BookChanged]:
        """Give every symbol's whole book; changes taken later follow these."""
        self._unpublished.clear()
        return [asset.book.take_snapshot(self.offset, self.time_ms) for asset in self._assets.values()]

    # Orders

    def _place(self, place: domain.Place) -> None:
        self._ledger.account(place.investor_id)
        asset = self._asset(place.symbol)
        if place.order_id in self._order_ids:
            raise Refusal(
                Reason.DUPLICATE_ORDER_ID,
                f"There was an order {place.order_id} before; give this one a new id.",
            )
        check_place(place, asset, self.time_ms)
        order = order_from(place, self._expiry(place))
        if order.type is OrderType.MARKET_TO_LIMIT:
            order.price_units = asset.book.side(order.side.opposite).best_price()
        self._check_against_book(order, asset)
        self._order_ids.add(order.order_id)
        if order.expires_at_ms is not None:
            heapq.heappush(self._expiries, (order.expires_at_ms, self.offset, order.order_id))
        self._events.append(report(order, ExecutionType.NEW))
        self._trade(order, asset)
        if order.status in domain.OPEN_STATUSES:
            if order.price_units is None or order.time_in_force not in _RESTING_TIMES:
                self._expire(order, Reason.NOT_FILLED, "No more shares are on offer at this price now.")
            else:
                self._rest(order, asset)
        self._publish(asset)

    def _check_against_book(self, order: Order, asset: Asset) -> None:
        if order.post_only:
            self._check_passive(order.side, order.price_units, asset)
        if order.time_in_force is TimeInForce.FOK and not can_fill(order, asset.book):
            raise Refusal(Reason.NOT_FILLED, "The whole quantity is not on offer at this price now.")
        if order.type is OrderType.MARKET_TO_LIMIT and order.price_units is None:
            raise Refusal(Reason.NOT_FILLED, "Nothing is on offer to take a price from; use a limit order.")

    @staticmethod
    def _check_passive(side: Side, price_units: int | None, asset: Asset) -> None:
        assert price_units is not None, "only limit orders are post-only"
        if would_cross(side, price_units, asset.book):
            raise Refusal(Reason.WOULD_CROSS, "A post-only order must not trade at once; move its price.")

    def _trade(self, taker: Order, asset: Asset) -> None:
        while taker.status in domain.OPEN_STATUSES and (match := next_match(taker, asset.book)):
            if match.meeting is Meeting.TRADE:
                self._exchange(taker, match, asset)
                continue
            if match.meeting is not Meeting.TAKER_EXPIRES:
                self._unrest(match.maker)
                self._expire(match.maker, Reason.SELF_TRADE, "It met a newer order of the same investor.")
            if match.meeting is not Meeting.MAKER_EXPIRES:
                self._expire(taker, Reason.SELF_TRADE, "It met an older order of the same investor.")

    def _exchange(self, taker: Order, match: Match, asset: Asset) -> None:
        maker, quantity = match.maker, match.quantity
        price = maker.price_units
        assert price is not None, "only orders with a price rest"
        if quantity == maker.remaining_quantity:
            self._unrest(maker)
        else:
            self._shrink(maker, quantity)
        maker.fill(quantity, price)
        taker.fill(quantity, price)
        asset.book.last_price_units = price
        buyer, seller = (taker, maker) if taker.side is Side.BUY else (maker, taker)
        self._events.append(
            Trade(
                symbol=taker.symbol,
                price_units=price,
                quantity=quantity,
                buyer_id=buyer.investor_id,
                seller_id=seller.investor_id,
                buy_order_id=buyer.order_id,
                sell_order_id=seller.order_id,
                taker_side=taker.side,
            )
        )
        for order, liquidity in ((maker, Liquidity.MAKER), (taker, Liquidity.TAKER)):
            self._ledger.owner(order).settle(order.symbol, order.side, quantity, price)
            self._events.append(
                report(
                    order,
                    ExecutionType.TRADE,
                    last_price_units=price,
                    last_quantity=quantity,
                    trade_index=self._trades,
                    liquidity=liquidity,
                )
            )
        self._trades += 1

    def _rest(self, order: Order, asset: Asset) -> None:
        asset.book.side(order.side).add(order)
        account = self._ledger.owner(order)
        self._orders[order.order_id] = account.orders[order.order_id] = order
        account.hold(order, order.remaining_quantity)

    def _unrest(self, order: Order) -> None:
        self._assets[order.symbol].book.side(order.side).remove(order)
        account = self._ledger.owner(order)
        del self._orders[order.order_id], account.orders[order.order_id]
        account.hold(order, -order.remaining_quantity)

    def _shrink(self, order: Order, quantity: int) -> None:
        self._assets[order.symbol].book.side(order.side).reduce(order, quantity)
        self._ledger.owner(order).hold(order, -quantity)

    def _expire(self, order: Order, reason: Reason | None = None, message: str | None = None) -> None:
        order.status = Status.EXPIRED
        self._events.append(report(order, ExecutionType.EXPIRED, reason=reason, message=message))

    def _cancel(self, cancel: domain.Cancel) -> None:
        self._cancel_order(self._own_order(cancel.order_id, cancel.investor_id))

    def _cancel_all(self, cancel: domain.CancelAll) -> None:
        account = self._ledger.account(cancel.investor_id)
        if cancel.symbol is not None:
            self._asset(cancel.symbol)
        orders = [order for order in account.orders.values() if cancel.symbol in (None, order.symbol)]
        if not orders:
            raise Refusal(Reason.UNKNOWN_ORDER, "There are no open orders to cancel.")
        for order in orders:
            self._cancel_order(order)

    def _cancel_order(self, order: Order) -> None:
        self._unrest(order)
        order.status = Status.CANCELED
        self._events.append(report(order, ExecutionType.CANCELED))
        self._publish(self._assets[order.symbol])

    def _amend(self, amend: domain.Amend) -> None:
        order = self._own_order(amend.order_id, amend.investor_id)
        asset = self._assets[order.symbol]
        check_open(asset)
        quantity = order.quantity if amend.quantity is None else amend.quantity
        price_units = order.price_units if amend.price_units is None else amend.price_units
        assert price_units is not None, "only orders with a price rest"
        check_quantity(quantity, asset)
        check_price(price_units, asset)
        if quantity <= order.filled_quantity:
            raise Refusal(
                Reason.BAD_QUANTITY,
                f"{order.filled_quantity} shares are filled already; the new total must be more, or cancel.",
            )
        if price_units == order.price_units and quantity <= order.quantity:
            self._shrink(order, order.quantity - quantity)
            order.quantity = quantity
            self._events.append(report(order, ExecutionType.REPLACED))
        else:
            self._move(order, quantity, price_units, asset)
        self._publish(asset)

    def _move(self, order: Order, quantity: int, price_units: int, asset: Asset) -> None:
        if order.post_only:
            self._check_passive(order.side, price_units, asset)
        self._unrest(order)
        order.quantity, order.price_units = quantity, price_units
        self._events.append(report(order, ExecutionType.REPLACED))
        self._trade(order, asset)
        if order.status in domain.OPEN_STATUSES:
            self._rest(order, asset)

    def _expire_due(self) -> None:
        while self._expiries and self._expiries[0][0] <= self.time_ms:
            _, _, order_id = heapq.heappop(self._expiries)
            order = self._orders.get(order_id)
            if order is not None:
                self._unrest(order)
                self._expire(order)
                self._publish(self._assets[order.symbol])

    def _expiry(self, place: domain.Place) -> int | None:
        if place.time_in_force is TimeInForce.DAY:
            days = (self.time_ms - _DAY_STARTS_MS) // _DAY_MS
            return (days + 1) * _DAY_MS + _DAY_STARTS_MS
        return place.expires_at_ms

    # Assets and accounts

    def _list_asset(self, listing: domain.ListAsset) -> None:
        listed = self._assets.get(listing.symbol)
        check_listing(listing, listed)
        if listed is None:
            listed = self._assets[listing.symbol] = Asset(listing, OrderBook(listing.symbol))
        else:
            # The reference price stays: bands of orders that rest would move under them.
            listed.listing = structs.replace(
                listing, reference_price_units=listed.listing.reference_price_units
            )
        self._events.append(listed.changed())

    def _set_phase(self, command: domain.SetPhase) -> None:
        asset = self._asset(command.symbol)
        if command.phase is domain.Phase.AUCTION:
            raise Refusal(
                Reason.UNSUPPORTED, "Auctions are not offered yet; use continuous, halted or closed."
            )
        asset.phase = command.phase
        self._events.append(asset.changed())

    def _deposit(self, command: domain.Deposit) -> None:
        asset = None if command.symbol is None else self._asset(command.symbol)
        self._ledger.deposit(command, asset)

    def _withdraw(self, command: domain.Withdraw) -> None:
        asset = None if command.symbol is None else self._asset(command.symbol)
        self._ledger.withdraw(command, asset)

    # What the appliers share

    def _refuse_malformed(self, command: domain.Malformed) -> None:
        raise Refusal(Reason.MALFORMED, command.message)

    def _refused(self, command: domain.Command, refusal: Refusal) -> Execution:
        if isinstance(command, domain.Place):
            return rejected_place(command, refusal.reason, refusal.message)
        order = self._orders.get(getattr(command, "order_id", ""))
        if order is not None and refusal.reason not in {Reason.NOT_OWNER, Reason.MALFORMED}:
            return report(order, ExecutionType.REJECTED, reason=refusal.reason, message=refusal.message)
        return Execution(
            execution_type=ExecutionType.REJECTED,
            status=Status.REJECTED,
            order_id=getattr(command, "order_id", ""),
            investor_id=getattr(command, "investor_id", ""),
            symbol=getattr(command, "symbol", None) or "",
            reason=refusal.reason,
            message=refusal.message,
        )

    def _asset(self, symbol: str) -> Asset:
        asset = self._assets.get(symbol)
        if asset is None:
            raise Refusal(Reason.UNKNOWN_SYMBOL, f"{symbol} is not listed; see the assets for what is.")
        return asset

    def _own_order(self, order_id: str, investor_id: str) -> Order:
        order = self._orders.get(order_id)
        if order is None:
            raise Refusal(Reason.UNKNOWN_ORDER, f"There is no open order {order_id}; it may have ended.")
        if order.investor_id != investor_id:
            raise Refusal(Reason.NOT_OWNER, f"Order {order_id} is another investor's.")
        return order

    def _publish(self, asset: Asset) -> None:
        if asset.book.mark_changed(self.offset, self.time_ms):
            self._unpublished.add(asset.symbol)
