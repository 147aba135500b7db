"""A recorded market that a strategy is put into: its log, and the shard that both sides' commands run in."""

from __future__ import annotations

import numpy as np

from engine.domain import AssetChanged, Command
from engine.events import domain_events
from engine.kernel.layout import NONE, CommandKind, EventKind
from engine.shard import Happened
from engine.wire.rows import CommandRows
from homebroker.research.command_log import CommandLog
from homebroker.research.ladder import Ladder
from homebroker.strategy.market import INVESTOR_ID, NEVER_MS, of_interest
from homebroker.strategy.session import MarketEvent


class RecordedMarket:
    """A log from a time on; see `Market`. The recorded orders are sent as they were."""

    def __init__(self, log: CommandLog, symbol: str, since_ms: int | None, until_ms: int | None) -> None:
        self.symbol = symbol
        self.shard = log.shard()
        self._log = log
        times_ms = np.maximum.accumulate(log.times_ms) if len(log) else log.times_ms
        listed = self._first_listed(log)
        self._next = listed if since_ms is None else max(listed, int(np.searchsorted(times_ms, since_ms)))
        self._end = len(log) if until_ms is None else int(np.searchsorted(times_ms, until_ms))
        self._times_ms = times_ms
        self._offset = -1
        self._batch: CommandRows | None = None
        self._own = CommandRows(self.shard.investors, self.shard.symbols)
        self.own_account = self.shard.investors.add(INVESTOR_ID.encode())
        self.asset = self._run_to(self._next)

    def _first_listed(self, log: CommandLog) -> int:
        """Give the row behind the one that first lists the symbol."""
        row = self.shard.symbols.find(self.symbol.encode())
        is_listing = (log.rows["asset"] == row) & (log.rows["kind"] == CommandKind.LIST_ASSET)
        listings = np.flatnonzero(is_listing)
        if row == NONE or not len(listings):
            raise ValueError(f"{self.symbol} is not listed in this log; see the symbols of its list_asset.")
        return int(listings[0]) + 1

    @property
    def time_ms(self) -> int:
        """The market's time."""
        return self.shard.time_ms

    @property
    def next_ms(self) -> int:
        """When the next recorded command comes."""
        return int(self._times_ms[self._next]) if self._next < self._end else NEVER_MS

    @property
    def end_ms(self) -> int:
        """When the last recorded command comes."""
        return int(self._times_ms[self._end - 1]) if self._end > self._next else self.time_ms

    def step(self) -> list[MarketEvent]:
        """Run the next recorded command."""
        self._batch = self._log.batch(self._next, self._next + 1, self._batch)
        self._next += 1
        return self._apply(self._batch)

    def send(self, command: Command, time_ms: int) -> list[MarketEvent]:
        """Run a command of the strategy's."""
        self._own.clear()
        self._own.add(command, 0, time_ms)
        return self._apply(self._own)

    def ladder(self) -> Ladder:
        """Give the symbol's book as it is."""
        ladder = Ladder()
        for book in self.shard.book_snapshots():
            if book.symbol == self.symbol:
                ladder.take(book)
        return ladder

    def _run_to(self, end: int) -> AssetChanged:
        """Run all before, and give the symbol's asset as it is then."""
        batch = self._log.batch(0, end)
        batch.commands["offset"] = np.arange(end)
        self._offset = end - 1
        found: list[AssetChanged] = []

        def listen(happened: Happened) -> None:
            found.extend(asset for _, asset in happened.assets if asset.symbol == self.symbol)

        self.shard.apply_all(batch, listen)
        if not found:
            raise ValueError(f"{self.symbol} cannot be listed as this log says; see its reports.")
        return found[-1]

    def _apply(self, batch: CommandRows) -> list[MarketEvent]:
        self._offset += 1
        batch.commands["offset"] = self._offset
        happened: list[object] = []

        def listen(part: Happened) -> None:
            if self._concerns(part):
                assets = iter(part.assets)
                happened.extend(event for _, event in domain_events(part.rows, lambda _row: next(assets)[1]))

        self.shard.apply_all(batch, listen)
        return of_interest([*happened, *self.shard.take_book_changes()], self.symbol)

    def _concerns(self, part: Happened) -> bool:
        """Tell whether somebody traded, or an order of the strategy's changed."""
        rows = part.rows
        for row in rows.events:
            if row["kind"] == EventKind.EXECUTION and (
                row["trade"] != NONE
                or rows.commands[row["command"]]["account"] == self.own_account
                or (
                    row["order"] != NONE
                    and rows.positions[rows.orders[row["order"]]["position"]]["account"] == self.own_account
                )
            ):
                return True
        return False
