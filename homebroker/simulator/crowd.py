"""All simulated investors together: who they are, what they hear, and whose turn it is.

Each is a strategy at a desk of its own, one for each company, as in a backtest or live. Only their timers
are this runner's: they go off by turns, at random, so that commands come at the rate that is wished.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Final

from engine.domain import BookChanged, Command, Execution, Trade
from homebroker.simulator.fair_price import FairPrices
from homebroker.simulator.investors import MarketMaker, MomentumTrader, NoiseTrader
from homebroker.simulator.opening import (
    COMPANIES,
    MARKET_MAKER_IDS,
    MOMENTUM_TRADER_IDS,
    NOISE_TRADER_IDS,
    TICK_UNITS,
    Company,
)
from homebroker.simulator.view import MarketView
from homebroker.simulator.weather import Weather
from homebroker.strategy.desk import Desk
from homebroker.strategy.seat import Seat, fill_of, tape_trade
from homebroker.strategy.strategy import Strategy

# Of the turns; what is left belongs to those who follow trends.
_QUOTING_SHARE: Final = 0.25
_NOISE_SHARE: Final = 0.6
_IDLE_TURNS_MAX: Final = 50
# Levels, ticks between them, and half the spread.
_MAKERS: Final = ((10, 1, 0.55), (7, 3, 1.2))


class Crowd:
    """The simulated investors, with what they see.

    Parameters
    ----------
    seed : int
        Their dice; the same seed, run and events give the same commands.
    run : str
        A part of every order id, different at every start.
    time_ms : int
        When they start.
    view : MarketView
        What was seen so far; prices go on from its last ones. It is kept up to date here from now on.
    size : float
        How many times the usual shares they order at once.
    """

    def __init__(self, *, seed: int, run: str, time_ms: int, view: MarketView, size: float = 1.0) -> None:
        self._view = view
        self._run = run
        self._dice = _dice(f"{seed}/{run}")
        self._fair = FairPrices(
            COMPANIES,
            dice=_dice(f"{seed}/{run}/worth"),
            time_ms=time_ms,
            start_prices_units={
                company.symbol: last
                for company in COMPANIES
                if (last := view.last_price_units(company.symbol)) is not None
            },
        )
        self._activities = [company.activity for company in COMPANIES]
        self._seats: dict[str, Seat] = {}
        self._makers: dict[str, list[Seat]] = defaultdict(list)
        self._noise: dict[str, list[Seat]] = defaultdict(list)
        self._momentum: dict[str, list[Seat]] = defaultdict(list)
        self._hear_trades: dict[str, list[Seat]] = defaultdict(list)
        self._hear_books: dict[str, list[Seat]] = defaultdict(list)
        for company in COMPANIES:
            self._seat_all(company, f"{seed}/{run}", round(size * company.typical_quantity))

    def start(self, time_ms: int) -> list[Command]:
        """Let everybody begin."""
        return [command for seat in self._seats.values() for command in seat.start(time_ms)]

    def move_prices(self, weather: Weather) -> None:
        """Have what shares are worth move in another way from now on."""
        self._fair.weather = weather

    def is_ours(self, event: object) -> bool:
        """Tell whether an event is about an order of theirs; those of earlier starts are not."""
        return isinstance(event, Execution) and self._seat_of(event) is not None

    def observe(self, event: object, time_ms: int) -> list[Command]:
        """Tell all whom it concerns of an event of the market, and give what they want done at once."""
        match event:
            case Execution():
                return self._reported(event, time_ms)
            case Trade():
                self._view.observe(event)
                hear, told = self._hear_trades.get(event.symbol, ()), tape_trade(event, time_ms)
                return [command for seat in hear for command in seat.traded(told, time_ms)]
            case BookChanged():
                self._view.observe(event)
                hear = self._hear_books.get(event.symbol, ())
                return [command for seat in hear for command in seat.booked(time_ms)]
        return []

    def turn(self, time_ms: int) -> list[Command]:
        """Let someone act, so that at least one command comes of it (unless all stay idle)."""
        for _ in range(_IDLE_TURNS_MAX):
            company = self._dice.choices(COMPANIES, self._activities)[0]
            commands = [command for seat in self._next(company) for command in seat.tick(time_ms)]
            if commands:
                return commands
        return []

    def _next(self, company: Company) -> list[Seat]:
        roll = self._dice.random()
        if roll < _QUOTING_SHARE:
            return self._makers[company.symbol]
        traders = self._noise if roll < _QUOTING_SHARE + _NOISE_SHARE else self._momentum
        return [self._dice.choice(traders[company.symbol])]

    def _reported(self, report: Execution, time_ms: int) -> list[Command]:
        seat = self._seat_of(report)
        if seat is None:
            return []
        seat.desk.heard(report)
        return seat.reported(report, fill_of(report, time_ms), time_ms)

    def _seat_of(self, report: Execution) -> Seat | None:
        seat = self._seats.get(report.order_id.rpartition("-")[0])
        # An order id is its owner's: somebody else's of the same text is not ours.
        return seat if seat is not None and seat.desk.investor_id == report.investor_id else None

    def _seat_all(self, company: Company, seed: str, quantity: int) -> None:
        symbol, worth = company.symbol, self._fair.of(company.symbol)
        for investor_id, (levels, spacing, half_spread) in zip(MARKET_MAKER_IDS, _MAKERS, strict=True):
            maker = MarketMaker(
                worth=worth,
                quantity=quantity,
                levels=levels,
                spacing_ticks=spacing,
                half_spread_ticks=half_spread,
                seed=f"{seed}/{investor_id}/{symbol}",
            )
            self._makers[symbol].append(self._seat(investor_id, symbol, maker))
        for investor_id in NOISE_TRADER_IDS:
            noise = NoiseTrader(quantity=quantity, seed=f"{seed}/{investor_id}/{symbol}")
            self._noise[symbol].append(self._seat(investor_id, symbol, noise))
        for number, investor_id in enumerate(MOMENTUM_TRADER_IDS):
            trend = MomentumTrader(
                quantity=quantity,
                enter_bps=10_000 * company.daily_volatility * (0.03 + 0.03 * number),
                seed=f"{seed}/{investor_id}/{symbol}",
            )
            self._momentum[symbol].append(self._seat(investor_id, symbol, trend))

    def _seat(self, investor_id: str, symbol: str, strategy: Strategy) -> Seat:
        prefix = f"{investor_id}-{self._run}-{symbol}"
        desk = Desk(
            symbol=symbol,
            investor_id=investor_id,
            tick_units=TICK_UNITS,
            lot_size=1,
            cash_units=0,
            position=0,
            ladder=self._view.ladder(symbol),
            order_prefix=prefix,
        )
        seat = self._seats[prefix] = Seat(strategy, desk)
        if seat.hears_trades:
            self._hear_trades[symbol].append(seat)
        if seat.hears_books:
            self._hear_books[symbol].append(seat)
        return seat


class Arrivals:
    """When commands come: at random, a given number a second on average.

    Parameters
    ----------
    crowd : Crowd
        Who sends them.
    rate : float
        Commands a second.
    seed : str
        The dice of the arrival times.
    start_ms : int
        From when on.
    """

    def __init__(self, crowd: Crowd, *, rate: float, seed: str, start_ms: int) -> None:
        self.crowd = crowd
        self._rate_ms = rate / 1000
        self._dice = _dice(seed)
        self._next_ms = float(start_ms)

    @property
    def next_ms(self) -> float:
        """When the next turn is; at a rate of 0, never."""
        return self._next_ms if self._rate_ms else float("inf")

    def come_at(self, rate: float) -> None:
        """Have so many commands come a second from now on; none at a rate of 0."""
        self._rate_ms = rate / 1000

    def skip_to(self, time_ms: int) -> None:
        """Let nothing arrive that was due before a time."""
        self._next_ms = max(self._next_ms, float(time_ms))

    def take(self) -> list[Command]:
        """Give the next turn's commands, which come at `next_ms`."""
        commands = self.crowd.turn(int(self._next_ms))
        self.count(max(1, len(commands)))
        return commands

    def count(self, commands: int) -> None:
        """Let the next turn wait for as long as so many commands usually take."""
        if commands and self._rate_ms:
            self._next_ms += self._dice.gammavariate(commands, 1 / self._rate_ms)


def _dice(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a simulation's dice, not a secret
