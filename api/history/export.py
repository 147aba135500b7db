"""The history's trades as Parquet files, one of each day and symbol."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
from msgspec import Struct
from pyarrow import parquet
from sqlalchemy import select, tuple_

from api.history.places import begins_at, within
from api.history.reading import History
from api.history.transactions import identity_of
from api.live.candles import DAY_START_MS, INTERVALS_MS
from api.recorder.store import read_places
from api.recorder.tables import candles, transactions
from engine.topics import TRANSACTIONS

_DAY_MS: Final = INTERVALS_MS["1d"]
_PIECE_ROWS: Final = 50_000
_PARTIAL: Final = ".part"
SCHEMA: Final = pa.schema(
    [
        pa.field("shard", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("time_ms", pa.int64(), nullable=False),
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("price", pa.float64(), nullable=False),
        pa.field("quantity", pa.int64(), nullable=False),
        pa.field("buyer_id", pa.string(), nullable=False),
        pa.field("seller_id", pa.string(), nullable=False),
        pa.field("buy_order_id", pa.string(), nullable=False),
        pa.field("sell_order_id", pa.string(), nullable=False),
        pa.field("taker_side", pa.string(), nullable=False),
    ]
)


class Exported(Struct, frozen=True, kw_only=True):
    """A file of one day and symbol; `rows` is None where it was there already and its day is over."""

    path: Path
    rows: int | None


def export(history: History, directory: Path) -> Iterator[Exported]:
    """Write what is not there yet; the day that is not over is written anew each time.

    Days whose trades were deleted are passed over. A file appears whole or not at all, so an export that was
    cut off is simply run again. Memory is that of 50,000 rows.
    """
    with history.snapshot() as connection:
        recorded_ms = min(
            (place.time_ms or 0 for at, place in read_places(connection).items() if at[0] == TRANSACTIONS),
            default=0,
        )
        days = connection.execute(
            select(candles.c.time_ms, candles.c.symbol)
            .where(candles.c.interval_ms == _DAY_MS)
            .order_by(candles.c.time_ms, candles.c.symbol)
        ).all()
        begins_ms = begins_at(connection) or 0
    for start_ms, symbol in days:
        if start_ms < begins_ms:
            # Its trades are deleted; a file that was written while they were there stays as it is.
            continue
        path = directory / day_name(start_ms) / f"{symbol}.parquet"
        is_over = recorded_ms >= start_ms + _DAY_MS
        if is_over and path.exists() and not _was_open(path):
            yield Exported(path=path, rows=None)
            continue
        yield Exported(path=path, rows=_write(history, path, symbol, start_ms, is_over=is_over))


def day_name(start_ms: int) -> str:
    """Name a day of the market, which begins at midnight UTC-3, as in 2026-11-28."""
    return datetime.fromtimestamp((start_ms - DAY_START_MS) / 1_000, UTC).strftime("%Y-%m-%d")


def _was_open(path: Path) -> bool:
    return (parquet.read_schema(path).metadata or {}).get(b"day_is_over") != b"true"


def _write(history: History, path: Path, symbol: str, start_ms: int, *, is_over: bool) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + _PARTIAL)
    told = SCHEMA.with_metadata({"day_is_over": "true" if is_over else "false"})
    rows = 0
    with parquet.ParquetWriter(partial, told, compression="zstd") as writer:
        for table in _tables(history, symbol, start_ms, told):
            writer.write_table(table)
            rows += table.num_rows
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    return rows


def _tables(history: History, symbol: str, start_ms: int, schema: pa.Schema) -> Iterator[pa.Table]:
    table, identity = transactions, identity_of(transactions)
    chosen = (
        select(*(table.c[name] for name in schema.names))
        .where(table.c.symbol == symbol)
        .order_by(*identity)
        .limit(_PIECE_ROWS)
    )
    behind: tuple[int, ...] | None = None
    while True:
        piece = chosen if behind is None else chosen.where(tuple_(*identity) > tuple_(*behind))
        with history.snapshot() as connection:
            span = within(connection, table, start_ms, start_ms + _DAY_MS - 1)
            rows = connection.execute(piece.where(*span)).all()
        if not rows:
            return
        columns = zip(*rows, strict=True)
        yield pa.table(
            [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)],
            schema=schema,
        )
        behind = tuple(rows[-1])[:3]
