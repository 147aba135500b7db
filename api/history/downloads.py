"""Trades of the history as CSV or Parquet, however many, in as much memory as one piece of them takes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet
from sqlalchemy import Row

from api.history.reading import History
from api.history.transactions import Identity, TransactionFilter, cursor, cursor_of, query

PIECE_ROWS = 50_000
PIECE_MAX_S = 60.0
"""How long the database may take over a piece: one that hangs is not to hold a connection for ever."""
_PUBLIC = pa.schema(
    [
        ("transaction_id", pa.string()),
        ("symbol", pa.string()),
        ("price", pa.float64()),
        ("quantity", pa.int64()),
        ("taker_side", pa.string()),
        ("time_ms", pa.int64()),
    ]
)
_OWN = pa.schema(
    [
        ("transaction_id", pa.string()),
        ("symbol", pa.string()),
        ("price", pa.float64()),
        ("quantity", pa.int64()),
        ("side", pa.string()),
        ("time_ms", pa.int64()),
        ("order_id", pa.string()),
        ("client_order_id", pa.string()),
        ("liquidity", pa.string()),
        ("fee", pa.float64()),
    ]
)

_NUMBERS = {pa.int64(): np.int64, pa.float64(): np.float64}


class _Format(Protocol):
    def piece(self, table: pa.Table) -> bytes:
        """Give the bytes of some rows."""
        ...

    def end(self) -> bytes:
        """Give the last bytes."""
        ...


def download(history: History, wanted: TransactionFilter, *, as_parquet: bool) -> Iterator[bytes]:
    """Give all trades that are wanted, newest first, piece by piece; blocks between them.

    Each piece is a query of its own that begins behind the one before, so what is recorded meanwhile changes
    nothing, and no transaction stays open while a client is slow. Parquet has a row group for each.

    Raises
    ------
    BadCursorError
        Before the first piece.
    HistoryUnavailableError, QueryTooLongError
        Also in the middle: what was sent by then is not whole, and must not end like something whole.
    """
    schema = _PUBLIC if wanted.investor_id is None else _OWN
    sink: _Format = _Parquet(schema) if as_parquet else _Csv(schema)
    return _pieces(history, wanted, schema, sink, None if wanted.cursor is None else cursor_of(wanted.cursor))


def _pieces(
    history: History, wanted: TransactionFilter, schema: pa.Schema, sink: _Format, after: Identity | None
) -> Iterator[bytes]:
    left = wanted.limit
    while left > 0:
        limit = min(left, PIECE_ROWS)
        with history.snapshot(seconds_max=PIECE_MAX_S) as connection:
            rows = connection.execute(query(connection, wanted, after=after, limit=limit)).all()
        yield sink.piece(_table(rows, schema))
        if len(rows) < limit:
            break
        left -= limit
        after = cursor_of(cursor(rows[-1]))
    yield sink.end()


def _table(rows: Sequence[Row[Any]], schema: pa.Schema) -> pa.Table:
    columns = dict(zip(rows[0]._fields, zip(*rows, strict=True), strict=True)) if rows else {}
    if "transaction_id" not in columns:
        columns["transaction_id"] = tuple(cursor(row) for row in rows)
    return pa.table([_column(columns.get(field.name, ()), field.type) for field in schema], schema=schema)


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    # pa.array would first load pandas: a second of processor and 50 MB, for nothing, in a server at work.
    if kind == pa.string():
        texts = pa.lib.StringBuilder()
        texts.append_values(values)
        return texts.finish()
    validity = None
    if None in values:
        is_there = np.array([value is not None for value in values])
        validity = pa.py_buffer(np.packbits(is_there, bitorder="little"))
        values = [value or 0 for value in values]
    numbers = np.array(values, _NUMBERS[kind])
    return pa.Array.from_buffers(kind, len(numbers), [validity, pa.py_buffer(numbers)])


class _Csv:
    def __init__(self, schema: pa.Schema) -> None:
        head = io.BytesIO()
        csv.write_csv(_table((), schema), head)
        self._head = head.getvalue()
        self._options = csv.WriteOptions(include_header=False, quoting_style="needed")

    def piece(self, table: pa.Table) -> bytes:
        buffer = io.BytesIO()
        csv.write_csv(table, buffer, self._options)
        head, self._head = self._head, b""
        return head + buffer.getvalue()

    def end(self) -> bytes:
        return b""


class _Parquet:
    def __init__(self, schema: pa.Schema) -> None:
        self._sink = _Taken()
        self._writer = parquet.ParquetWriter(self._sink, schema, compression="zstd")

    def piece(self, table: pa.Table) -> bytes:
        self._writer.write_table(table)
        return self._sink.take()

    def end(self) -> bytes:
        self._writer.close()
        return self._sink.take()


class _Taken(io.RawIOBase):
    """A file that is taken away as it is written."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self._written += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._written

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken
