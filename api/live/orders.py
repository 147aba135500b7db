"""Everybody's orders, rebuilt from execution reports.

A report tells the order as it stands, so its bytes are kept as they came and read when somebody asks: most
orders are of investors who never do. All open orders are kept, as many as the engine has room for, some 630
bytes each; finished ones only the newest, of each investor and in all. The history has the others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from operator import attrgetter
from typing import Protocol

import msgspec
from msgspec import Struct

from api.payloads import OrderRow
from engine.domain import OPEN_STATUSES, ExecutionType, Reason, Side, Status
from engine.wire.records import ExecutionReport, decode_execution

FINISHED_MAX = 50_000
FINISHED_OF_INVESTOR_MAX = 500
# What a refused command says of an order that is another one, or none; it makes no order.
_NO_ORDER = frozenset(
    {
        Reason.DUPLICATE_ORDER_ID,
        Reason.UNKNOWN_ORDER,
        Reason.NOT_OWNER,
        Reason.MALFORMED,
        Reason.UNKNOWN_INVESTOR,
    }
)


class ReportHead(Struct, frozen=True, kw_only=True, gc=False):
    """What is read of every report, whoever's it is: whose, of which order, and what it does to it."""

    shard: int
    offset: int
    index: int
    time_ms: int
    execution_type: ExecutionType
    status: Status
    order_id: str
    investor_id: str
    side: Side | None
    reason: Reason | None = None


decode_head = msgspec.json.Decoder(ReportHead).decode


class _Told(Protocol):
    @property
    def order_id(self) -> str: ...
    @property
    def side(self) -> str | None: ...
    @property
    def reason(self) -> str | None: ...


def makes_order(report: _Told) -> bool:
    """Tell whether a report may be the first of an order, an accepted or a refused one."""
    return bool(report.order_id) and report.side is not None and report.reason not in _NO_ORDER


def next_order(order: OrderRow | None, report: ExecutionReport) -> OrderRow | None:
    """Give an order as it is after a report of it.

    A refused amendment, cancellation or second placing leaves the order as it was.
    """
    refused = report.execution_type is ExecutionType.REJECTED
    if refused and order is not None:
        return order
    if not makes_order(report) and (order is None or refused):
        return None
    goes_on = order is not None and report.execution_type is not ExecutionType.NEW
    return _order_row(report, order.created_ms if order is not None and goes_on else report.time_ms)


class OpenOrder(Struct, frozen=True, kw_only=True, gc=False):
    """An open order: whose, when it was accepted, and its last report."""

    investor_id: str
    order_id: str
    created_ms: int
    report: bytes


class _Kept(Struct, frozen=True, gc=False):
    """An order's last report, and when and as the how-manieth it was accepted."""

    number: int
    created_ms: int
    order_id: str
    report: bytes


class _Orders:
    """One investor's, by id; the finished ones in the order in which they ended.

    `left` counts places in the line of finished orders whose orders are gone already.
    """

    __slots__ = ("finished", "gone", "left", "open")

    def __init__(self) -> None:
        self.open: dict[str, _Kept] = {}
        self.finished: dict[str, _Kept] = {}
        self.left = 0
        self.gone = False


class LiveOrders:
    """Orders by investor; nobody is given another's.

    Parameters
    ----------
    finished_max, finished_of_investor_max : int
        How many finished orders are kept, the newest: in all, and of each investor.
    """

    def __init__(
        self, *, finished_max: int = FINISHED_MAX, finished_of_investor_max: int = FINISHED_OF_INVESTOR_MAX
    ) -> None:
        self._finished_max = finished_max
        self._finished_of_investor_max = finished_of_investor_max
        self._investors: dict[str, _Orders] = {}
        self._accepted = 0
        self._begun_late = False
        self._finished = 0
        self._line: deque[_Orders] = deque()

    def begin(self, orders: Iterable[OpenOrder]) -> None:
        """Begin with the open orders of a later moment than the log's first, in the order of acceptance.

        What ended before that moment is not here, and is to be asked of the history.
        """
        self._begun_late = True
        for order in orders:
            self._accepted += 1
            kept = _Kept(self._accepted, order.created_ms, order.order_id, order.report)
            self._investors.setdefault(order.investor_id, _Orders()).open[order.order_id] = kept

    def apply(self, report: ReportHead, value: bytes) -> None:
        """Take in a report; `value` is the record that it was read from."""
        orders = self._investors.get(report.investor_id)
        order_id = report.order_id
        if report.execution_type is ExecutionType.REJECTED and (
            not makes_order(report)
            or (orders is not None and (order_id in orders.open or order_id in orders.finished))
        ):
            return
        if orders is None:
            orders = self._investors[report.investor_id] = _Orders()
        before = orders.open.get(order_id)
        if before is None:
            self._accepted += 1
            kept = _Kept(self._accepted, report.time_ms, order_id, value)
        else:
            kept = _Kept(before.number, before.created_ms, order_id, value)
        if report.status in OPEN_STATUSES:
            orders.open[order_id] = kept
            return
        if before is not None:
            del orders.open[order_id]
        self._finish(orders, kept)

    def get(self, investor_id: str, order_id: str) -> OrderRow | None:
        """Give an investor's order, if it is known. Cost O(1)."""
        orders = self._investors.get(investor_id)
        if orders is None:
            return None
        kept = orders.open.get(order_id) or orders.finished.get(order_id)
        return None if kept is None else _row(kept)

    def open(self, investor_id: str, symbol: str | None = None, *, limit: int) -> list[OrderRow]:
        """Give the newest open orders, newest first; this and the next ones cost O(the investor's orders)."""
        orders = self._investors.get(investor_id)
        return [] if orders is None else _newest(orders.open.values(), symbol, limit)

    def open_count(self, investor_id: str) -> int:
        """Tell how many orders of an investor are open."""
        orders = self._investors.get(investor_id)
        return 0 if orders is None else len(orders.open)

    def finished(self, investor_id: str, symbol: str | None = None, *, limit: int) -> list[OrderRow]:
        """Give the newest finished orders of those that are kept, newest first."""
        orders = self._investors.get(investor_id)
        return [] if orders is None else _newest(_finished(orders), symbol, limit)

    def all(self, investor_id: str, symbol: str | None = None, *, limit: int) -> list[OrderRow]:
        """Give open and finished orders, newest first."""
        orders = self._investors.get(investor_id)
        if orders is None:
            return []
        return _newest([*_finished(orders), *orders.open.values()], symbol, limit)

    def has_let_go(self, investor_id: str) -> bool:
        """Tell whether an investor may have had finished orders that are not kept here."""
        orders = self._investors.get(investor_id)
        return self._begun_late or (orders is not None and orders.gone)

    def _finish(self, orders: _Orders, kept: _Kept) -> None:
        if orders.finished.pop(kept.order_id, None) is not None:
            # An id may be given again to a later order, which is then the one that is meant by it.
            orders.left += 1
            self._finished -= 1
        orders.finished[kept.order_id] = kept
        self._finished += 1
        self._line.append(orders)
        if len(orders.finished) > self._finished_of_investor_max:
            self._let_go(orders)
            orders.left += 1
        while self._finished > self._finished_max:
            oldest = self._line.popleft()
            if oldest.left:
                oldest.left -= 1
            else:
                self._let_go(oldest)
        if len(self._line) > 2 * self._finished_max:
            self._close_ranks()

    def _let_go(self, orders: _Orders) -> None:
        del orders.finished[next(iter(orders.finished))]
        orders.gone = True
        self._finished -= 1

    def _close_ranks(self) -> None:
        line: deque[_Orders] = deque()
        for orders in self._line:
            if orders.left:
                orders.left -= 1
            else:
                line.append(orders)
        self._line = line


def _finished(orders: _Orders) -> Iterable[_Kept]:
    # An id that was refused, or whose order ended days ago, may be that of a later order, which is open.
    return [each for order_id, each in orders.finished.items() if order_id not in orders.open]


def _newest(kept: Iterable[_Kept], symbol: str | None, limit: int) -> list[OrderRow]:
    rows = (_row(each) for each in sorted(kept, key=attrgetter("number"), reverse=True))
    return list(islice((row for row in rows if symbol in {None, row.symbol}), limit))


def _row(kept: _Kept) -> OrderRow:
    return _order_row(decode_execution(kept.report), kept.created_ms)


def _order_row(report: ExecutionReport, created_ms: int) -> OrderRow:
    return OrderRow(
        order_id=report.order_id,
        client_order_id=report.client_order_id,
        symbol=report.symbol,
        side=report.side,
        type=report.type,
        time_in_force=report.time_in_force,
        expires_at_ms=report.expires_at_ms,
        price=report.price,
        stop_price=report.stop_price,
        quantity=report.quantity,
        display_quantity=report.display_quantity,
        post_only=report.post_only,
        self_trade=report.self_trade,
        filled_quantity=report.filled_quantity,
        remaining_quantity=report.remaining_quantity,
        average_price=report.average_price,
        status=report.status,
        reason=report.reason,
        message=report.message,
        created_ms=created_ms,
        updated_ms=report.time_ms,
    )
