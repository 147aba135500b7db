"""What a topic's records become: a piece of a table for each fetch, repeats left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Struct

from engine.batches import RawRecords
from engine.identity import SeenBooks
from homebroker.research.command_log import LogBuilder, cut
from homebroker.research.command_table import command_table
from homebroker.research.errors import UnreadableRecordError
from homebroker.research.rows import CommandRow
from homebroker.research.scanning import Scanner, UnknownWordError, source_of
from homebroker.research.schemas import schema_of, table_of_structs

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_DECODED_SINGLY_MAX: Final = 16
# An offset and an index as one number: no command has so many outputs.
_INDEX_BITS: Final = 24


class Pieces(Protocol):
    """Makes a table of records, a fetch at a time, in order."""

    schema: pa.Schema

    def piece(self, records: RawRecords, begin: int) -> pa.Table:
        """Give the rows of records; of those before `begin` only what they say of repeats is kept."""
        ...


class OutputPieces:
    """Trades or execution reports: scanned by compiled code where they are plain, decoded where not."""

    def __init__(self, topic: str, row_type: type[Struct], decode: Callable[[bytes], Any]) -> None:
        self.schema = schema_of(row_type)
        self._topic = topic
        self._row_type = row_type
        self._decode = decode
        self._scanner = Scanner(row_type)
        self._newest = -1

    def piece(self, records: RawRecords, begin: int) -> pa.Table:
        """Give the rows of records that are no repeats."""
        table = self._table(records)
        offsets, index = (table.column(name).to_numpy() for name in ("offset", "index"))
        identities = (offsets << _INDEX_BITS) + index
        before = np.maximum.accumulate(np.concatenate([[self._newest], identities]))
        self._newest = int(before[-1])
        new = (identities > before[:-1]) & (records.offsets >= begin)
        return table if new.all() else table.filter(pa.array(new))

    def _table(self, records: RawRecords) -> pa.Table:
        source = source_of(records.data, records.starts, records.ends)
        parts: list[pa.Table] = []
        record = singly = 0
        while record < len(records):
            try:
                stopped, part = self._scanner.scan(source, record)
            except UnknownWordError:
                stopped, part = record, self._scanner.scan(source, len(records))[1]
                singly = _DECODED_SINGLY_MAX
            parts.append(part)
            # Where one record is odd the next may be plain; where many are, going back and forth costs more.
            singly += 1
            last = len(records) if singly > _DECODED_SINGLY_MAX else min(stopped + 1, len(records))
            values = decoded(self._topic, self._decode, records, range(stopped, last))
            parts.append(table_of_structs(self._row_type, values))
            record = last
        return pa.concat_tables(parts) if parts else self.schema.empty_table()


class ValuePieces:
    """Records whose rows are made one by one: accounts, books, assets.

    Parameters
    ----------
    seen : callable
        Tells of each decoded record, in turn, whether it is no repeat.
    expand : callable
        Gives a decoded record's rows.
    """

    def __init__(
        self,
        topic: str,
        row_type: type[Struct],
        decode: Callable[[bytes], Any],
        seen: Callable[[Any], bool],
        expand: Callable[[Any], Iterable[Struct]],
    ) -> None:
        self.schema = schema_of(row_type)
        self._topic = topic
        self._row_type = row_type
        self._decode = decode
        self._seen = seen
        self._expand = expand

    def piece(self, records: RawRecords, begin: int) -> pa.Table:
        """Give the rows of records that are no repeats."""
        older = int(np.searchsorted(records.offsets, begin))
        for value in decoded(self._topic, self._decode, records, range(older)):
            self._seen(value)
        values = decoded(self._topic, self._decode, records, range(older, len(records)))
        rows = [row for value in values if self._seen(value) for row in self._expand(value)]
        return table_of_structs(self._row_type, rows)


class CommandPieces:
    """Commands as the engine understands them."""

    def __init__(self) -> None:
        self.schema = schema_of(CommandRow)
        self._builder = LogBuilder(learns=True)

    def piece(self, records: RawRecords, begin: int) -> pa.Table:
        """Give a row for each command."""
        first = int(np.searchsorted(records.offsets, begin))
        self._builder.add_records(cut(records, first, len(records)))
        return command_table(self._builder.take())


def decoded(
    topic: str, decode: Callable[[bytes], Any], records: RawRecords, rows: Sequence[int]
) -> list[Any]:
    """Decode some records.

    Raises
    ------
    UnreadableRecordError
        At the first that is not one of the engine's.
    """
    values = []
    for row in rows:
        try:
            values.append(decode(records.value(row) or b""))
        except UNREADABLE as error:
            raise UnreadableRecordError(topic, int(records.offsets[row]), str(error)) from None
    return values


def seen_books() -> Callable[[Any], bool]:
    """Give what tells of book records whether they are no repeats."""
    return SeenBooks().is_new
