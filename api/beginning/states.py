"""Assets, accounts and open orders as the history has them: each state as the record that would tell it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Select, select, text

from api.live.orders import OpenOrder
from api.live.view import LiveView
from api.recorder.tables import accounts, assets, orders, positions
from engine.domain import OPEN_STATUSES, ExecutionType, Phase
from engine.wire.records import AccountRecord, AssetRecord, LimitsRecord, PositionRecord, encode

_PIECE_ROWS: Final = 5_000
_decode_limits: Final = msgspec.json.Decoder(LimitsRecord).decode
_ASSET: Final = [assets.c[name] for name in AssetRecord.__struct_fields__]
_ACCOUNT: Final = [column for column in accounts.columns if column.name not in {"limits", "trading_disabled"}]
_POSITION: Final = [positions.c[name] for name in PositionRecord.__struct_fields__]
# The partial index wants its condition in its own words.
_IS_OPEN: Final = text("remaining_quantity > 0")


class _OpenReport(Struct, frozen=True, gc=False, omit_defaults=True, rename={"updated_ms": "time_ms"}):
    """An open order as its row tells it, by the names of `orders`, to be written as its last report."""

    # What it did last is not kept, and nobody asks.
    execution_type: ExecutionType
    investor_id: str
    order_id: str
    shard: int
    offset: int
    index: int
    updated_ms: int
    client_order_id: str | None
    symbol: str
    side: str
    type: str
    time_in_force: str
    price: float | None
    stop_price: float | None
    quantity: int
    filled_quantity: int
    remaining_quantity: int
    average_price: float | None
    status: str
    reason: str | None
    message: str | None
    display_quantity: int | None = None
    post_only: bool | None = None
    self_trade: str | None = None
    expires_at_ms: int | None = None


_REPORTED: Final = [orders.c[name] for name in _OpenReport.__struct_fields__ if name != "execution_type"]


def begin_assets(view: LiveView, database: Connection) -> None:
    """Take up the listed assets."""
    for row in database.execute(select(*_ASSET)):
        asset = AssetRecord(**{**row._mapping, "phase": Phase(row.phase)})
        view.assets[asset.symbol] = asset
        view.time_ms = max(view.time_ms, asset.time_ms)


def begin_accounts(view: LiveView, database: Connection) -> None:
    """Take up all accounts with their positions. Cost O(accounts + positions)."""
    shares: dict[str, list[PositionRecord]] = {}
    for investor_id, *values in _rows(database, select(positions.c.investor_id, *_POSITION)):
        position = PositionRecord(**dict(zip(PositionRecord.__struct_fields__, values, strict=True)))
        shares.setdefault(investor_id, []).append(position)
    chosen = select(accounts.c.limits, accounts.c.trading_disabled, *_ACCOUNT)
    names = [column.name for column in _ACCOUNT]
    for limits, trading_disabled, *values in _rows(database, chosen):
        balances = dict(zip(names, values, strict=True))
        view.accounts.apply(
            AccountRecord(
                **balances,
                positions=tuple(shares.pop(balances["investor_id"], ())),
                limits=None if limits is None else _decode_limits(limits),
                trading_disabled=trading_disabled,
            )
        )


def begin_orders(view: LiveView, database: Connection) -> None:
    """Take up all open orders, oldest first; those that have ended stay in the history."""
    view.orders.begin(_open_orders(database))


def _open_orders(database: Connection) -> Iterator[OpenOrder]:
    chosen = (
        select(orders.c.created_ms, *_REPORTED)
        .where(_IS_OPEN, orders.c.status.in_(sorted(OPEN_STATUSES)))
        .order_by(orders.c.shard, orders.c.created_offset)
    )
    for created_ms, *values in _rows(database, chosen):
        report = _OpenReport(ExecutionType.NEW, *values)
        yield OpenOrder(
            investor_id=report.investor_id,
            order_id=report.order_id,
            created_ms=created_ms,
            report=encode(report),
        )


def _rows(database: Connection, chosen: Select[Any]) -> Iterator[Any]:
    # A million rows at once would be a gigabyte.
    return iter(database.execute(chosen, execution_options={"yield_per": _PIECE_ROWS}))
