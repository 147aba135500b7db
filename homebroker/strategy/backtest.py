"""A strategy over a recorded log: its orders queue among the recorded ones, matched by the engine itself."""

from __future__ import annotations

import random
from collections import deque
from typing import Final

import numpy as np
from msgspec import Struct

from engine.domain import (
    AssetChanged,
    Command,
    Deposit,
    Event,
    Execution,
    ListAsset,
    OpenAccount,
    Trade,
)
from engine.events import domain_events
from engine.kernel.layout import NONE, CommandKind, EventKind
from engine.shard import Happened
from engine.units import ppm_from_basis_points, units_from_decimal
from engine.wire.rows import CommandRows
from homebroker.research.arguments import Since, bounds_ms, check_symbol
from homebroker.research.command_input import Commands, log_of
from homebroker.research.command_log import CommandLog
from homebroker.research.depth import Ladder
from homebroker.strategy.desk import Desk
from homebroker.strategy.report import Report
from homebroker.strategy.session import MarketEvent, Session
from homebroker.strategy.strategy import Strategy

INVESTOR_ID: Final = "strategy"
_NEVER_MS: Final = 1 << 60
_LATENCY_MAX_MS: Final = 60_000.0


class Latency(Struct, frozen=True, kw_only=True):
    """How late a strategy is, in milliseconds.

    `feed_ms` is how old what it sees is, `order_ms` how long its orders take; `jitter_ms` is the mean of
    what is added to each order's way by chance (exponential, by `seed`). Orders never overtake each other.
    """

    feed_ms: float = 1.0
    order_ms: float = 1.0
    jitter_ms: float = 0.0
    seed: int = 1


class Account(Struct, frozen=True, kw_only=True):
    """What a strategy begins with; `unlimited` accounts may sell short and spend what they do not have."""

    cash: float = 1_000_000.0
    shares: int = 0
    unlimited: bool = True


class Fees(Struct, frozen=True, kw_only=True):
    """Basis points of a fill's value, charged of all orders accepted after the start."""

    maker_bps: float = 0.0
    taker_bps: float = 0.0


def backtest(
    strategy: Strategy,
    commands: Commands,
    symbol: str,
    *,
    since: Since | None = None,
    until: Since | None = None,
    latency: Latency | None = None,
    account: Account | None = None,
    fees: Fees | None = None,
) -> Report:
    """Run a strategy over a recorded market.

    Every order of the strategy is a command between the recorded ones, behind all of its millisecond, and the
    engine's own kernel matches it: it waits behind what rests at its price, takes what others would have
    taken, and pays the fees. The recorded orders are sent as they were: nobody reacts to the strategy.

    Parameters
    ----------
    strategy : Strategy
        Who decides; used up by the run.
    commands : as for `homebroker.replay`
        The recorded market.
    symbol : str
        What it trades.
    since, until : str, int or datetime, optional
        When the strategy begins and ends; the market before runs without it. See `transactions`.
    latency, account, fees : optional
        See `Latency` (1 ms each way), `Account` (1,000,000 and short sales) and `Fees` (those of the log).

    Returns
    -------
    Report
        What came of it.

    Raises
    ------
    ValueError
        When the symbol is not listed by then, or an argument makes no sense.

    Notes
    -----
    Costs some 40 µs a recorded command from `since` on, and what the strategy takes.
    """
    check_symbol(symbol)
    since_ms, until_ms = bounds_ms(since, until)
    market = _Market(log_of(commands), symbol, since_ms, until_ms)
    return _Backtest(market, strategy, latency or Latency(), account or Account(), fees).run()


class _Market:
    """The recorded market: its log from a time on, and the shard that both sides' commands run in."""

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
        return int(self._times_ms[self._next]) if self._next < self._end else _NEVER_MS

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
        happened: list[Event] = []

        def listen(part: Happened) -> None:
            if self._concerns(part):
                assets = iter(part.assets)
                happened.extend(event for _, event in domain_events(part.rows, lambda _row: next(assets)[1]))

        self.shard.apply_all(batch, listen)
        trades = [event for event in happened if isinstance(event, Trade) and event.symbol == self.symbol]
        reports = [
            event for event in happened if isinstance(event, Execution) and event.investor_id == INVESTOR_ID
        ]
        books = [book for book in self.shard.take_book_changes() if book.symbol == self.symbol]
        return [*trades, *reports, *books]

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


class _Backtest:
    """Market, strategy and what is under way between them."""

    def __init__(
        self, market: _Market, strategy: Strategy, latency: Latency, account: Account, fees: Fees | None
    ) -> None:
        _check_latency(latency)
        self._market = market
        self._latency = latency
        self._dice = random.Random(latency.seed)  # noqa: S311 - a simulation's dice, not a secret
        self._arriving: deque[tuple[float, Command]] = deque()
        self._heard: deque[tuple[float, int, list[MarketEvent]]] = deque()
        self._timer_ms = strategy.timer_ms
        self._open(account, fees)
        ladder = market.ladder()
        desk = Desk(
            symbol=market.symbol,
            investor_id=INVESTOR_ID,
            tick_units=market.asset.tick_size_units,
            lot_size=market.asset.lot_size,
            cash_units=units_from_decimal(account.cash),
            position=account.shares,
            ladder=ladder,
        )
        self._session = Session(strategy, desk, ladder)

    def run(self) -> Report:
        market = self._market
        now_ms = float(market.time_ms)
        self._send(self._session.start(int(now_ms)), now_ms)
        timer_ms = _NEVER_MS if self._timer_ms is None else now_ms + self._timer_ms
        end_ms = market.end_ms + self._latency.feed_ms
        while True:
            arrival_ms = self._arriving[0][0] if self._arriving else _NEVER_MS
            heard_ms = self._heard[0][0] if self._heard else _NEVER_MS
            next_ms = min(market.next_ms, arrival_ms, heard_ms, timer_ms)
            if next_ms > end_ms:
                return self._end(now_ms)
            now_ms = next_ms
            if now_ms == market.next_ms:
                self._tell(market.step())
            elif now_ms == arrival_ms:
                self._tell(market.send(self._arriving.popleft()[1], int(arrival_ms)))
            elif now_ms == heard_ms:
                _, happened_ms, events = self._heard.popleft()
                self._send(self._session.observe(events, happened_ms, int(now_ms)), now_ms)
            else:
                timer_ms += self._timer_ms or _NEVER_MS
                self._send(self._session.tick(int(now_ms)), now_ms)

    def _end(self, now_ms: float) -> Report:
        """Let what is under way arrive and be heard of, cancel what is open, and hear of that."""
        self._send(self._session.stop(int(now_ms)), now_ms)
        while self._arriving:
            arrival_ms, command = self._arriving.popleft()
            self._tell(self._market.send(command, int(arrival_ms)))
        while self._heard:
            heard_ms, happened_ms, events = self._heard.popleft()
            self._session.observe(events, happened_ms, int(heard_ms))
        return Report(self._session.journal)

    def _tell(self, events: list[MarketEvent]) -> None:
        if events:
            happened_ms = self._market.time_ms
            self._heard.append((happened_ms + self._latency.feed_ms, happened_ms, events))

    def _send(self, commands: list[Command], now_ms: float) -> None:
        for command in commands:
            late_ms = self._latency.order_ms
            if self._latency.jitter_ms:
                late_ms += self._dice.expovariate(1 / self._latency.jitter_ms)
            before_ms = self._arriving[-1][0] if self._arriving else 0.0
            self._arriving.append((max(before_ms, now_ms + late_ms), command))

    def _open(self, account: Account, fees: Fees | None) -> None:
        market = self._market
        time_ms = market.time_ms
        opening: list[Command] = [OpenAccount(investor_id=INVESTOR_ID, unlimited=account.unlimited)]
        if account.cash:
            opening.append(Deposit(investor_id=INVESTOR_ID, cash_units=units_from_decimal(account.cash)))
        if account.shares:
            opening.append(Deposit(investor_id=INVESTOR_ID, symbol=market.symbol, quantity=account.shares))
        if fees is not None:
            asset = market.asset
            opening.append(
                ListAsset(
                    symbol=market.symbol,
                    name=asset.name,
                    tick_size_units=asset.tick_size_units,
                    lot_size=asset.lot_size,
                    reference_price_units=asset.reference_price_units,
                    price_band=asset.price_band,
                    maker_fee_ppm=ppm_from_basis_points(fees.maker_bps),
                    taker_fee_ppm=ppm_from_basis_points(fees.taker_bps),
                )
            )
        for command in opening:
            refused = [event for event in market.send(command, time_ms) if isinstance(event, Execution)]
            if refused:
                raise ValueError(f"The strategy's account cannot be opened: {refused[0].message}")


def _check_latency(latency: Latency) -> None:
    for name in ("feed_ms", "order_ms", "jitter_ms"):
        late_ms = getattr(latency, name)
        if not 0 <= late_ms <= _LATENCY_MAX_MS:
            raise ValueError(f"{name}={late_ms!r} must be from 0 to {_LATENCY_MAX_MS:,.0f} ms.")
