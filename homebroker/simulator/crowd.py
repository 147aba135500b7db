"""All simulated investors together: who acts next, on which company, and when."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from msgspec import structs

from engine.domain import Command, Execution
from homebroker.simulator.fair_price import FairPrices
from homebroker.simulator.investors import MarketMaker, MomentumTrader, NoiseTrader, Trader
from homebroker.simulator.opening import (
    COMPANIES,
    MARKET_MAKER_IDS,
    MOMENTUM_TRADER_IDS,
    NOISE_TRADER_IDS,
    Company,
)
from homebroker.simulator.view import MarketView, OwnOrders
from homebroker.simulator.weather import Weather

# Of the turns; what is left belongs to those who follow trends.
_QUOTING_SHARE, _NOISE_SHARE = 0.25, 0.6
_IDLE_TURNS_MAX = 50


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
        What they have seen so far; prices go on from its last ones.
    size : float
        How many times the usual shares they order at once.
    """

    def __init__(self, *, seed: int, run: str, time_ms: int, view: MarketView, size: float = 1.0) -> None:
        self._view = view
        self._dice = random.Random(f"{seed}/{run}")  # noqa: S311 - a simulation's dice, not a secret
        self._fair = fair = FairPrices(
            COMPANIES,
            dice=self._dice,
            time_ms=time_ms,
            start_prices_units={
                company.symbol: last
                for company in COMPANIES
                if (last := view.symbol(company.symbol).last_price_units) is not None
            },
        )
        self._makers = [
            MarketMaker(
                OwnOrders(investor_id, run),
                fair=fair,
                dice=self._dice,
                levels=levels,
                spacing_ticks=spacing,
                half_spread_ticks=half_spread,
            )
            for investor_id, (levels, spacing, half_spread) in zip(
                MARKET_MAKER_IDS, ((10, 1, 0.55), (7, 3, 1.2)), strict=True
            )
        ]
        self._noise = [
            NoiseTrader(OwnOrders(investor_id, run), dice=self._dice) for investor_id in NOISE_TRADER_IDS
        ]
        self._momentum = [
            MomentumTrader(OwnOrders(investor_id, run), dice=self._dice, threshold=0.03 + 0.03 * number)
            for number, investor_id in enumerate(MOMENTUM_TRADER_IDS)
        ]
        everyone: list[MarketMaker | NoiseTrader | MomentumTrader]
        everyone = [*self._makers, *self._noise, *self._momentum]
        self._own = {investor.own.investor_id: investor.own for investor in everyone}
        self._companies = [
            structs.replace(company, typical_quantity=round(size * company.typical_quantity))
            for company in COMPANIES
        ]
        self._activities = [company.activity for company in self._companies]

    def move_prices(self, weather: Weather) -> None:
        """Have what shares are worth move in another way from now on."""
        self._fair.weather = weather

    def observe(self, event: object, time_ms: int) -> bool:
        """Take in an event of the market; tell whether it was about an order of theirs."""
        if not isinstance(event, Execution):
            self._view.observe(event, time_ms)
            return False
        own = self._own.get(event.investor_id)
        if own is None:
            return False
        own.changed(event)
        return True

    def first_quotes(self, time_ms: int) -> list[Command]:
        """Have every market maker quote every company."""
        return [command for company in self._companies for command in self._quotes(company, time_ms)]

    def turn(self, time_ms: int) -> list[Command]:
        """Let someone act, so that at least one command comes of it (unless all stay idle)."""
        for _ in range(_IDLE_TURNS_MAX):
            company = self._dice.choices(self._companies, self._activities)[0]
            commands = self._act(company, time_ms)
            if commands:
                return commands
        return []

    def _act(self, company: Company, time_ms: int) -> list[Command]:
        roll = self._dice.random()
        if roll < _QUOTING_SHARE:
            return self._quotes(company, time_ms)
        traders: Sequence[Trader] = self._noise if roll < _QUOTING_SHARE + _NOISE_SHARE else self._momentum
        trader = self._dice.choice(traders)
        return _sent(trader.own, trader.act(company, self._view, time_ms))

    def _quotes(self, company: Company, time_ms: int) -> list[Command]:
        retreating: list[Command] = []
        following: list[Command] = []
        for maker in self._makers:
            first, then = maker.requote(company, time_ms)
            retreating += _sent(maker.own, first)
            following += _sent(maker.own, then)
        # Nobody runs into the quotes of a colleague who was about to move them.
        return retreating + following


def _sent(own: OwnOrders, commands: list[Command]) -> list[Command]:
    for command in commands:
        own.sent(command)
    return commands


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
        self._crowd = crowd
        self._rate_ms = rate / 1000
        self._dice = random.Random(seed)  # noqa: S311 - a simulation's dice, not a secret
        self._next_ms = float(start_ms)

    def come_at(self, rate: float) -> None:
        """Have so many commands come a second from now on; none at a rate of 0."""
        self._rate_ms = rate / 1000

    def skip_to(self, time_ms: int) -> None:
        """Let nothing arrive that was due before a time."""
        self._next_ms = max(self._next_ms, float(time_ms))

    def until(self, time_ms: int) -> Iterator[tuple[int, list[Command]]]:
        """Give the turns due up to a time, each with its own time; the crowd may observe between them."""
        while self._rate_ms and self._next_ms <= time_ms:
            at_ms = int(self._next_ms)
            commands = self._crowd.turn(at_ms)
            self._next_ms += self._dice.gammavariate(max(1, len(commands)), 1 / self._rate_ms)
            yield at_ms, commands
