"""What the shares are worth: prices that wander, in quiet hours and wild ones."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.domain import UNITS_PER_CURRENCY
from homebroker.simulator.opening import TICK_UNITS, Company
from homebroker.simulator.weather import Weather

_SESSION_SECONDS = 7 * 3_600
# How much of a return all companies share.
_MARKET_SHARE = 0.4
# The log of volatility drifts around 0 with this spread, and forgets with this time constant: quiet and wild
# stretches of a quarter of an hour.
_VOLATILITY_SPREAD = 0.45
_VOLATILITY_SECONDS = 900.0
# Prices are drawn back to the reference over days, so that a market that runs for weeks stays plausible.
_ANCHOR_SECONDS = 5 * 86_400.0
_STEP_SECONDS_MIN = 1.0
_LOWEST_TICKS = 50.0


@dataclass(slots=True)
class _Worth:
    company: Company
    log_ticks: float
    log_reference_ticks: float
    log_volatility: float = 0.0


class FairPrices:
    """The worth of each company's share, in ticks, moving with time.

    Parameters
    ----------
    companies : iterable of Company
        What is traded.
    dice : random.Random
        Where chance comes from.
    time_ms : int
        The time at which the prices start.
    start_prices_units : mapping
        Prices to start from, by symbol; the reference price where there is none.

    Notes
    -----
    The log price is a random walk whose volatility is itself mean reverting (Ornstein-Uhlenbeck in its
    logarithm, stepped exactly), with one factor common to all companies.
    """

    def __init__(
        self,
        companies: Iterable[Company],
        *,
        dice: random.Random,
        time_ms: int,
        start_prices_units: Mapping[str, int],
    ) -> None:
        self._dice = dice
        self._time_ms = time_ms
        self.weather = Weather()
        self._worths: dict[str, _Worth] = {}
        for company in companies:
            reference = company.reference_price_centavos
            start_ticks = start_prices_units.get(company.symbol, reference * TICK_UNITS) / TICK_UNITS
            self._worths[company.symbol] = _Worth(
                company, math.log(max(start_ticks, _LOWEST_TICKS)), math.log(reference)
            )

    def ticks(self, symbol: str, time_ms: int) -> float:
        """Give what a share is worth at a time, not earlier than the last one asked for."""
        self._advance(time_ms)
        return max(_LOWEST_TICKS, math.exp(self._worths[symbol].log_ticks))

    def of(self, symbol: str) -> FairPrice:
        """Give one share's worth, for a market maker."""
        return FairPrice(self, symbol)

    def calm(self, symbol: str) -> float:
        """Give how calm a company's market is: 1 as usual, less when prices move more."""
        return math.exp(-self._worths[symbol].log_volatility)

    def _advance(self, time_ms: int) -> None:
        seconds = (time_ms - self._time_ms) / 1000
        if seconds < _STEP_SECONDS_MIN:
            return
        force = self.weather.force(self._time_ms, time_ms)
        self._time_ms = time_ms
        gauss = self._dice.gauss
        market = gauss(0, 1)
        memory = math.exp(-seconds / _VOLATILITY_SECONDS)
        surprise = _VOLATILITY_SPREAD * math.sqrt(1 - memory * memory)
        pull = -math.expm1(-seconds / _ANCHOR_SECONDS)
        for worth in self._worths.values():
            worth.log_volatility = worth.log_volatility * memory + surprise * gauss(0, 1)
            spread = worth.company.daily_volatility * math.exp(worth.log_volatility) * force.spread
            noise = math.sqrt(_MARKET_SHARE) * market + math.sqrt(1 - _MARKET_SHARE) * gauss(0, 1)
            worth.log_ticks += spread * math.sqrt(seconds / _SESSION_SECONDS) * noise
            worth.log_ticks += force.drift
            worth.log_ticks += (worth.log_reference_ticks - worth.log_ticks) * pull


class FairPrice:
    """One share's worth, which moves with that of all."""

    def __init__(self, prices: FairPrices, symbol: str) -> None:
        self._prices = prices
        self._symbol = symbol

    def price(self, time_ms: int) -> float:
        """Give what it is worth at a time, in the currency's unit."""
        return self._prices.ticks(self._symbol, time_ms) * TICK_UNITS / UNITS_PER_CURRENCY

    def calm(self) -> float:
        """Give how calm its market is: 1 as usual, less when prices move more."""
        return self._prices.calm(self._symbol)
