"""A strategy in a market in memory: its orders queue among the others, matched by the engine itself."""

from __future__ import annotations

import random
from collections import deque
from typing import Final

from msgspec import Struct

from engine.domain import Command, Deposit, Execution, ListAsset, OpenAccount
from engine.units import ppm_from_basis_points, units_from_decimal
from homebroker.research.arguments import Since, bounds_ms, check_one_symbol, shown
from homebroker.research.command_input import Commands, log_of
from homebroker.simulator.simulation import Simulation
from homebroker.strategy.desk import Desk
from homebroker.strategy.market import INVESTOR_ID, NEVER_MS, Market
from homebroker.strategy.recorded_market import RecordedMarket
from homebroker.strategy.report import Report
from homebroker.strategy.session import MarketEvent, Session
from homebroker.strategy.simulated_market import SimulatedMarket
from homebroker.strategy.strategy import Strategy, check_strategy

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
    """Run a strategy over a recorded market, or in a simulated one.

    Every order of the strategy is a command between the others', behind all of its millisecond, and the
    engine's own kernel matches it: it waits behind what rests at its price, takes what others would have
    taken, and pays the fees. Recorded orders are sent as they were: nobody reacts to the strategy. The
    investors of a `Simulation` see what it does, and react.

    Parameters
    ----------
    strategy : Strategy
        Who decides; used up by the run.
    commands : Simulation, or as for `homebroker.replay`
        The simulated market, or the recorded one.
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
    Costs some 40 µs a recorded command (200 a simulated one) from `since` on, and what the strategy takes.
    """
    check_strategy(strategy)
    check_one_symbol(symbol)
    for value, kind in ((latency, Latency), (account, Account), (fees, Fees)):
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"{shown(value)} is no hb.{kind.__name__}; make one, or leave it out.")
    since_ms, until_ms = bounds_ms(since, until)
    market: Market
    if isinstance(commands, Simulation):
        market = SimulatedMarket(commands, symbol, since_ms, until_ms)
    else:
        market = RecordedMarket(log_of(commands), symbol, since_ms, until_ms)
    return _Backtest(market, strategy, latency or Latency(), account or Account(), fees).run()


class _Backtest:
    """Market, strategy and what is under way between them."""

    def __init__(
        self, market: Market, strategy: Strategy, latency: Latency, account: Account, fees: Fees | None
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
        timer_ms = NEVER_MS if self._timer_ms is None else now_ms + self._timer_ms
        end_ms = market.end_ms + self._latency.feed_ms
        while True:
            arrival_ms = self._arriving[0][0] if self._arriving else NEVER_MS
            heard_ms = self._heard[0][0] if self._heard else NEVER_MS
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
                timer_ms += self._timer_ms or NEVER_MS
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
