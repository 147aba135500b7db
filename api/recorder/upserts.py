"""What becomes of a row whose key is in its table already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, Table, func

from api.recorder.tables import (
    account_minutes,
    accounts,
    assets,
    candles,
    fee_minutes,
    history_begins,
    orders,
    position_minutes,
    positions,
    positions_in_log,
)


class Upsert(Struct, frozen=True, kw_only=True):
    """How rows are written to a table.

    `set` gives, by column, the new value from the column as it stands and as it was to be inserted, and from
    the database's functions for the lesser and the greater of two values; nothing: the row stays as it is.
    """

    name: str
    table: Table
    set: Mapping[str, Callable[[Any, Any, str], Any]]

    @property
    def key(self) -> list[str]:
        """The columns of the primary key."""
        return [column.name for column in self.table.primary_key]

    def changes(self, excluded: Any, dialect: str) -> dict[str, Any]:
        """Give the changed columns' values as SQL; `excluded` is the row that was to be inserted."""
        old = self.table.c
        return {name: value(old[name], excluded[name], dialect) for name, value in self.set.items()}


def _new(_old: Any, new: Any, _dialect: str) -> Any:
    return new


def _new_if_known(old: Any, new: Any, _dialect: str) -> Any:
    return func.coalesce(new, old)


def _sum(old: Any, new: Any, _dialect: str) -> Any:
    return old + new


def _greater(old: Any, new: Any, dialect: str) -> Any:
    return (func.max if dialect == "sqlite" else func.greatest)(old, new)


def _lesser(old: Any, new: Any, dialect: str) -> Any:
    return (func.min if dialect == "sqlite" else func.least)(old, new)


def _all_new(table: Table, *, but: tuple[str, ...] = ()) -> dict[str, Callable[[Any, Any, str], Any]]:
    def is_told(column: Column[Any]) -> bool:
        return not column.primary_key and column.name not in but

    return {column.name: _new for column in table.columns if is_told(column)}


NEWEST: Mapping[str, Upsert] = {
    table.name: Upsert(name=table.name, table=table, set=_all_new(table))
    for table in (
        orders,
        positions,
        account_minutes,
        position_minutes,
        assets,
        positions_in_log,
    )
}
"""The row that comes is the newer one: batches follow each other in the log's order."""

_AS_CREATED = ("created_ms", "created_offset")
CHANGED_ORDER = Upsert(name="changed_orders", table=orders, set=_all_new(orders, but=_AS_CREATED))
REFUSED_ORDER = Upsert(name="refused_orders", table=orders, set={})
NEWEST_ACCOUNT = Upsert(
    name="accounts",
    table=accounts,
    set=_all_new(accounts) | {"limits": _new_if_known, "trading_disabled": _new_if_known},
)
ADDED_FEES = Upsert(name="fee_minutes", table=fee_minutes, set={"fee_units": _sum})
LATER_BEGINNING = Upsert(name="history_begins", table=history_begins, set={"time_ms": _greater})
ADDED_CANDLE = Upsert(
    name="candles",
    table=candles,
    set={"high": _greater, "low": _lesser, "close": _new, "volume": _sum, "trades": _sum},
)
