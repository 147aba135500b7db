"""`hb.load_log`: the market's whole log, ready to be replayed."""

from __future__ import annotations

from engine.log import Connection, LogReader
from engine.topics import ORDERS
from homebroker.research.arguments import Since, bounds_ms
from homebroker.research.blocking import run_blocking
from homebroker.research.command_log import CommandLog, LogBuilder
from homebroker.research.errors import CutLogError
from homebroker.research.progress import Progress
from homebroker.research.reading import SHARD, open_topic, records_between
from homebroker.settings import Settings


def load_log(*, until: Since | None = None, progress: bool = True) -> CommandLog:
    """Read the topic `orders` from its beginning as commands that `replay` runs at once.

    Parameters
    ----------
    until : str, int or datetime, optional
        Only the commands before that time, up to the first that is not; see `transactions`.
    progress : bool
        Whether a read that takes longer than a moment shows a bar.

    Raises
    ------
    NoMarketError
        When no market answers; says where it was looked for and how to start one.
    CutLogError
        When the log's oldest commands were deleted, so that it cannot be run again.
    """
    _, until_ms = bounds_ms(None, until)
    return run_blocking(read_log(Settings().connection, until_ms=until_ms, progress=progress))


async def read_log(
    connection: Connection, *, until_ms: int | None = None, progress: bool = True
) -> CommandLog:
    """Read the log as `load_log` does, within a running loop."""
    async with open_topic(connection, ORDERS) as reader:
        first, end = await reader.first_offset(ORDERS, SHARD), await reader.end_offset(ORDERS, SHARD)
        if until_ms is not None:
            end = await _offset_before(reader, end, until_ms)
        if first > 0:
            raise CutLogError(first)
        builder = LogBuilder()
        async for records in records_between(
            connection, ORDERS, first, end, Progress(ORDERS, shown=progress)
        ):
            builder.add_records(records)
        return builder.log()


async def _offset_before(reader: LogReader, end: int, until_ms: int) -> int:
    return min(end, await reader.offset_at(ORDERS, SHARD, until_ms))
