"""The records of a fetch as the kernel's rows: fast where they are plain, by the book where they are not."""

from __future__ import annotations

import numpy as np

from engine.batches import RawRecords
from engine.domain import Cancel
from engine.kernel.octets import SLACK, padded
from engine.names import Names
from engine.wire import scan
from engine.wire.commands import decode_command, encode_command
from engine.wire.rows import CommandRows


class CommandReader:
    """Turns records into rows, in order, since an account opened by one is known to the next.

    Parameters
    ----------
    investors, symbols : Names
        Where names have their row numbers; see `CommandRows`.
    """

    def __init__(self, investors: Names, symbols: Names) -> None:
        self._batch = CommandRows(investors, symbols)
        self._fields = scan.empty_fields()

    def read(self, records: RawRecords) -> CommandRows:
        """Read records.

        Parameters
        ----------
        records : RawRecords
            Of one partition, in order.

        Returns
        -------
        CommandRows
            A row for each record; good until the next call. Cost O(bytes).
        """
        batch = self._batch
        batch.clear()
        octets = records.data
        if len(records) and int(records.ends.max()) + SLACK > len(octets):
            octets = padded(octets.tobytes())
        source = scan.Source(octets, records.offsets, records.times_ms, records.starts, records.ends)
        while len(batch) < len(records):
            self._scan(source)
            if len(batch) < len(records):
                record = len(batch)
                command = decode_command(records.value(record))
                batch.add(command, int(records.offsets[record]), int(records.times_ms[record]))
        return batch

    def _scan(self, source: scan.Source) -> None:
        batch = self._batch
        batch.reserve(len(source.offsets) - len(batch), len(source.octets))
        names = scan.Names(batch.investors.table, batch.symbols.table)
        target = scan.Target(batch.rows, batch.text, self._fields)
        batch.count, batch.text_length = scan.scan_records(
            source, batch.count, names, target, batch.text_length
        )


def warm_up() -> None:
    """Load the compiled code, or compile it where it is not kept yet."""
    # The quote makes it go both ways, and need all that is compiled.
    record = encode_command(Cancel(order_id='"', investor_id="a"))
    zero = np.zeros(1, np.int64)
    CommandReader(Names(1, 1), Names(1, 1)).read(
        RawRecords(np.frombuffer(record, np.uint8), zero, zero, zero, zero + len(record))
    )
