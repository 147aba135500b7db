"""`hb.book_at`: an order book as it stood at a time."""

from __future__ import annotations

import time as clock

import numpy as np
import pandas as pd

from engine.log import Connection
from engine.recovery import UnusableLogError, restore
from engine.shard import Shard
from engine.snapshot_store import SnapshotStore
from engine.topics import ORDERS
from engine.wire.reader import CommandReader
from homebroker.research.arguments import Since, check_one_symbol, since_ms
from homebroker.research.blocking import run_blocking
from homebroker.research.command_log import cut
from homebroker.research.depth import book_frame
from homebroker.research.errors import CutLogError
from homebroker.research.progress import Progress
from homebroker.research.reading import SHARD, open_topic, records_between
from homebroker.settings import Settings


def book_at(symbol: str, time: Since, *, progress: bool = True) -> pd.DataFrame:
    """Give a symbol's whole order book as it stood at a time, exact to the command.

    The market is run again in memory: from the engine's newest snapshot, or from the log's beginning where
    that is later than the time. Costs as much as reading the commands in between.

    Parameters
    ----------
    symbol : str
        Whose book.
    time : str, int or datetime
        An age ("30m", "1h", "2d"), a time with its zone, or UTC milliseconds.
    progress : bool
        Whether a read that takes longer than a moment shows a bar.

    Returns
    -------
    DataFrame
        `side`, `price`, `quantity` and `order_count` of each price level: bids, then asks, best first. The
        time of the last command before is in `attrs["time_ms"]`.

    Raises
    ------
    NoMarketError
        When no market answers; says where it was looked for and how to start one.
    ValueError
        When the symbol was not listed then.
    CutLogError
        When the commands that are needed were deleted.
    """
    check_one_symbol(symbol)
    time_ms = since_ms(time, now_ms=clock.time_ns() // 1_000_000, name="time")
    shard = run_blocking(market_at(Settings().connection, time_ms, progress=progress))
    frame = book_frame(shard, symbol)
    frame.attrs["time_ms"] = shard.time_ms
    return frame


async def market_at(connection: Connection, time_ms: int, *, progress: bool) -> Shard:
    """Give the whole market as it stood at a time, within a running loop; see `book_at`."""
    async with open_topic(connection, ORDERS) as reader:
        first, end = await reader.first_offset(ORDERS, SHARD), await reader.end_offset(ORDERS, SHARD)
        shard = await _beginning(connection, time_ms)
        if first > shard.offset + 1:
            raise CutLogError(first)
        commands = CommandReader(shard.investors, shard.symbols)
        records = records_between(connection, ORDERS, shard.offset + 1, end, Progress(ORDERS, shown=progress))
        async for fetched in records:
            later = np.flatnonzero(fetched.times_ms > time_ms)
            last = int(later[0]) if len(later) else len(fetched)
            shard.apply_all(commands.read(cut(fetched, 0, last)))
            # Notes for book records that nobody will send; they would pile up.
            shard.book_snapshots()
            if len(later):
                await records.aclose()  # type: ignore[attr-defined]
                break
    return shard


async def _beginning(connection: Connection, time_ms: int) -> Shard:
    async with SnapshotStore(connection, SHARD) as store:
        try:
            shard = await restore(connection, store, SHARD)
        except UnusableLogError:
            return Shard(SHARD)
    return shard if shard.time_ms <= time_ms else Shard(SHARD)
