"""Records as tables, for the pages that list what has been. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard import formats, names, words
from dashboard.administration import AuditEntry
from dashboard.history import DayOfSymbol
from homebroker.client import Order, PastExecution

STATUSES: Final = {
    "pending_trigger": "Waits for its stop",
    "new": "In the book",
    "partially_filled": "Partly filled",
    "filled": "Filled",
    "canceled": "Canceled",
    "expired": "Expired",
    "rejected": "Rejected",
}
EVENTS: Final = {
    "new": "Accepted",
    "trade": "Traded",
    "canceled": "Canceled",
    "replaced": "Amended",
    "expired": "Expired",
    "rejected": "Refused",
    "triggered": "Stop reached",
}
_TIME: Final = "datetime64[ms, UTC]"


def orders(found: Sequence[Order], zone: ZoneInfo, now_ms: int) -> pd.DataFrame:
    """List orders, a row each, in the order in which they come; dates in words are of the zone."""
    return pd.DataFrame(
        {
            "time": _times([order.created_ms for order in found]),
            "symbol": [order.symbol for order in found],
            "side": [names.side_of(order.side) for order in found],
            "type": [names.type_of(order) for order in found],
            "quantity": [order.quantity for order in found],
            "display_quantity": pd.array([order.display_quantity for order in found], dtype="Int64"),
            "price": _numbers([order.price for order in found]),
            "stop_price": _numbers([order.stop_price for order in found]),
            "in_force": [names.lasting(order, zone, now_ms) for order in found],
            "expires_at": _times([order.expires_at_ms for order in found]),
            "filled": [order.filled_quantity for order in found],
            "average_price": _numbers([order.average_price for order in found]),
            "status": [_status(order) for order in found],
            "why": [words.refusal(order.reason or "", order.message or "") for order in found],
            "order_id": [order.order_id for order in found],
        }
    )


def executions(found: Sequence[PastExecution]) -> pd.DataFrame:
    """List what happened to orders, oldest first."""
    found = found[::-1]
    return pd.DataFrame(
        {
            "time": _times([row.time_ms for row in found]),
            "event": [_event(row) for row in found],
            "status": [_status(row) for row in found],
            "quantity": [row.quantity for row in found],
            "price": _numbers([row.price for row in found]),
            "traded": [row.last_quantity for row in found],
            "traded_at": _numbers([row.last_price for row in found]),
            "fee": _numbers([row.fee for row in found]),
            "filled": [row.filled_quantity for row in found],
            "remaining": [row.remaining_quantity for row in found],
            "why": [words.refusal(row.reason or "", row.message or "") for row in found],
        }
    )


def fills(found: Sequence[PastExecution]) -> pd.DataFrame:
    """List trades, newest first."""
    return pd.DataFrame(
        {
            "time": _times([row.time_ms for row in found]),
            "symbol": [row.symbol for row in found],
            "side": [names.side_of(row.side) for row in found],
            "quantity": [row.last_quantity for row in found],
            "price": _numbers([row.last_price for row in found]),
            "value": [round((row.last_price or 0.0) * (row.last_quantity or 0), 4) for row in found],
            "fee": _numbers([row.fee for row in found]),
            "liquidity": [row.liquidity for row in found],
            "order_id": [row.order_id for row in found],
        }
    )


def days(found: Sequence[DayOfSymbol]) -> pd.DataFrame:
    """List what each symbol earned on each day."""
    return pd.DataFrame(
        {
            "day": pd.to_datetime([row.day for row in found]),
            "symbol": [row.symbol for row in found],
            "bought": [row.bought for row in found],
            "sold": [row.sold for row in found],
            "held": [row.quantity for row in found],
            "realized": [row.realized for row in found],
            "unrealized": _numbers([row.unrealized for row in found]),
            "fees": [row.fees for row in found],
        }
    )


def audit(found: Sequence[AuditEntry]) -> pd.DataFrame:
    """List who did what."""
    return pd.DataFrame(
        {
            "time": _times([row.time_ms for row in found]),
            "who": [row.actor for row in found],
            "did": [row.act.replace("_", " ") for row in found],
            "to": [row.subject for row in found],
            "outcome": [row.outcome.replace("_", " ") for row in found],
        }
    )


def searched(table: pd.DataFrame, text: str) -> pd.DataFrame:
    """Keep the rows that have each typed word somewhere, whatever its case; numbers plain or as shown."""
    if table.empty:
        return table
    wanted = text.casefold().split()
    told = (" ".join(map(_searchable, row)).casefold() for row in table.itertuples(index=False))
    return table[[all(word in row for word in wanted) for row in told]]


def _searchable(value: Any) -> str:
    # What is not there is a dash on the page, and in no search the letters of "NaN".
    if pd.isna(value):
        return ""
    if not isinstance(value, Real):
        return str(value)
    return f"{value} {formats.number(float(value), 2 if isinstance(value, float) else 0)}"


def _status(told: Order | PastExecution) -> str:
    if told.status == "pending_trigger" and told.stop_price is None:
        return "Waits for its auction"
    return STATUSES.get(told.status, told.status)


def _event(told: PastExecution) -> str:
    if told.execution_type == "triggered" and told.stop_price is None:
        return "In its auction"
    return EVENTS.get(told.execution_type, told.execution_type)


def _times(times_ms: Sequence[int | None]) -> pd.Series[pd.Timestamp]:
    return pd.Series(pd.array(times_ms, dtype="Int64"), dtype=_TIME)


def _numbers(values: Sequence[float | None]) -> pd.Series[float]:
    return pd.Series(list(values), dtype="float64")
