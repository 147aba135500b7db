"""`hb.replay`: commands through the engine's own shard, in memory."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from engine.shard import Shard
from homebroker.research.command_input import Commands, log_of
from homebroker.research.command_log import CommandLog
from homebroker.research.depth import book_frame, depth_over_time
from homebroker.research.events import Reports
from homebroker.research.frames import pandas_of
from homebroker.research.run_tables import RunTables
from homebroker.research.tape_hash import tape_hash

_PIECE_COMMANDS: Final = 100_000


class Replay:
    """What came of a replay. Tables are made when they are first asked for, so that a run costs no more.

    Attributes
    ----------
    log : CommandLog
        What ran; can be replayed again, which begins at once.
    digest : str
        A hash of the market's whole state at the end.
    """

    def __init__(self, log: CommandLog, times_ms: NDArray[np.int64], reports: Reports, shard: Shard) -> None:
        self.log = log
        self._shard = shard
        self._times_ms = times_ms
        self._reports = reports

    def __repr__(self) -> str:
        return f"<Replay of {len(self.log):,} commands>"

    @cached_property
    def digest(self) -> str:
        """Give a hash of the market's whole state at the end: the same for the same commands, anywhere."""
        return self._shard.digest()

    @cached_property
    def transactions(self) -> pd.DataFrame:
        """Give the trades, as `hb.transactions` would show them."""
        return pandas_of(self.table("transactions"))

    @cached_property
    def executions(self) -> pd.DataFrame:
        """Give the reports, as `hb.executions` would show them."""
        return pandas_of(self.table("executions"))

    @cached_property
    def tape_hash(self) -> str:
        """Give a hash of the trades: `hb.tape_hash(hb.transactions())` is the same for the same trades."""
        return tape_hash(self.table("transactions"))

    @cached_property
    def _tables(self) -> RunTables:
        return RunTables(self.log, self._times_ms, self._reports.reported())

    def table(self, name: str) -> pa.Table:
        """Give `transactions` or `executions` as an Arrow table."""
        if name not in {"transactions", "executions"}:
            raise ValueError(f"{name!r} is no table of a replay; take transactions or executions.")
        return self._tables.transactions() if name == "transactions" else self._tables.executions()

    def depth(
        self, interval: str | None = "1s", *, levels: int = 5, symbol: str | None = None
    ) -> pd.DataFrame:
        """Give the order books over time. Runs the commands once more.

        Parameters
        ----------
        interval : str or None
            A row for each interval in which a book changed, as it stood at its end: "100ms", "1s", "5m", …;
            None: a row for each command that changed it.
        levels : int
            Price levels of each side, 1 to 1,000.
        symbol : str, optional
            Only this symbol's book.

        Returns
        -------
        DataFrame
            By time: `symbol`, `offset` of the last command, and for each level from 1 on `bid_1`,
            `bid_quantity_1`, `ask_1`, `ask_quantity_1`; NaN where there is none.
        """
        return depth_over_time(self.log, interval=interval, levels=levels, symbol=symbol)

    def book(self, symbol: str) -> pd.DataFrame:
        """Give a symbol's whole book at the end: `side`, `price`, `quantity`, `order_count`, best first."""
        return book_frame(self._shard, symbol)


def replay(commands: Commands) -> Replay:
    """Run commands through the very engine, in memory, from an empty market. Touches no topic.

    Parameters
    ----------
    commands : CommandLog, DataFrame, Table, path or iterable
        A stored log as `hb.load_log` gives it; a table as `hb.orders` gives it; a file of order flow; or, in
        order, commands as records of the `orders` topic (mappings such as ``{"command": "place", …}``), as
        the engine's own values, or as `hb.follow("orders")` gives them. Assets must be listed and accounts
        opened by commands too, as in the log.
        One without an offset has the next; one without a time has that of the command before, the first 1970.

    Returns
    -------
    Replay
        The same trades and reports, to the last field, that the engine sends for this log.

    Raises
    ------
    ValueError
        When the offsets do not rise, or what is given is no command.

    Notes
    -----
    A log is run at the kernel's own speed, some millions of commands a second; a table is made one first, and
    values one by one, which takes longer than the run.
    """
    log = log_of(commands)
    shard, reports = log.shard(), Reports()
    times_ms = np.empty(len(log), np.int64)
    batch = None
    for first in range(0, len(log), _PIECE_COMMANDS):
        last = min(first + _PIECE_COMMANDS, len(log))
        batch = log.batch(first, last, batch)
        reports.shift = first
        shard.apply_all(batch, reports.listen)
        times_ms[first:last] = batch.commands["time_ms"]
        # Notes for book records that nobody will send; they would pile up.
        shard.book_snapshots()
    return Replay(log, times_ms, reports, shard)
