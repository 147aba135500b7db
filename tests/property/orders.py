"""The market as a reader of its events sees it: open orders by their reports, accounts, prices and phases."""

from __future__ import annotations

from engine.domain import (
    OPEN_STATUSES,
    AccountChanged,
    AssetChanged,
    Event,
    Execution,
    ExecutionType,
    Phase,
    Position,
    Side,
    Status,
    Trade,
)


class Reader:
    """Keeps what the events so far say.

    Attributes
    ----------
    orders : dict of str to Execution
        The last report of each open order.
    ended : set of str
        Ids of orders that have ended and were not given again.
    terms : dict of str to AssetChanged
        By open order: the asset as it was when the order was accepted.
    """

    def __init__(self) -> None:
        self.orders: dict[str, Execution] = {}
        self.ended: set[str] = set()
        self.terms: dict[str, AssetChanged] = {}
        self.assets: dict[str, AssetChanged] = {}
        self.accounts: dict[str, AccountChanged] = {}
        self.positions: dict[tuple[str, str], Position] = {}
        self.last_units: dict[str, int] = {}
        self.phases: dict[str, Phase] = {}

    def read(self, event: Event) -> None:
        """Take in the next event; fails where it does not follow from those before."""
        match event:
            case Trade():
                self.last_units[event.symbol] = event.price_units
            case AssetChanged():
                self.phases[event.symbol] = event.phase
                self.assets[event.symbol] = event
            case AccountChanged():
                self.accounts[event.investor_id] = event
                for position in event.positions:
                    self.positions[event.investor_id, position.symbol] = position
            case Execution(execution_type=ExecutionType.REJECTED):
                self._read_rejection(event)
            case Execution():
                self._read_report(event)

    def resting(self, symbol: str, side: Side) -> dict[int, list[Execution]]:
        """Give the orders that rest on a side, by price."""
        levels: dict[int, list[Execution]] = {}
        for order in self.orders.values():
            if (order.symbol, order.side) == (symbol, side) and order.status is not Status.PENDING_TRIGGER:
                assert order.price_units is not None
                levels.setdefault(order.price_units, []).append(order)
        return levels

    def needed_units(self, order: Execution) -> int:
        """Give the cash that an open buy needs, as docs/rules.md says it."""
        asset = self.terms[order.order_id]
        price = order.price_units
        if price is None and asset.price_band is not None:
            reference = asset.reference_price_units
            price = reference + int(reference * asset.price_band)
        price = price or order.stop_price_units
        assert price is not None
        highest = max(asset.maker_fee_ppm, asset.taker_fee_ppm)
        fee = price * highest // 1_000_000 + 1 if highest else 0
        return (price + fee) * order.remaining_quantity

    def _read_rejection(self, event: Execution) -> None:
        if event.status is not Status.REJECTED:
            before = self.orders[event.order_id]
            assert (event.status, event.quantity, event.price_units, event.remaining_quantity) == (
                before.status,
                before.quantity,
                before.price_units,
                before.remaining_quantity,
            ), "a refused change changes nothing"

    def _read_report(self, event: Execution) -> None:
        before = self.orders.get(event.order_id)
        is_new = event.execution_type is ExecutionType.NEW
        assert (before is None) == is_new, "an order begins and ends once"
        if is_new:
            self.terms[event.order_id] = self.assets[event.symbol]
        assert event.filled_quantity == (before.filled_quantity if before else 0) + (event.last_quantity or 0)
        assert event.quantity is not None
        left = event.quantity - event.filled_quantity
        if event.status in OPEN_STATUSES:
            assert event.remaining_quantity == left > 0
            self.orders[event.order_id] = event
            self.ended.discard(event.order_id)
        else:
            assert event.remaining_quantity == 0
            assert (event.status is Status.FILLED) == (left == 0)
            del self.orders[event.order_id]
            self.ended.add(event.order_id)
