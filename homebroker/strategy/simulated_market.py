"""The simulated market with a strategy in it: the investors see what it does, and react."""

from __future__ import annotations

from engine.domain import Command
from homebroker.research.ladder import Ladder
from homebroker.simulator.simulation import Simulation
from homebroker.strategy.market import NEVER_MS, of_interest
from homebroker.strategy.session import MarketEvent


class SimulatedMarket:
    """A simulation from a time on; see `Market`."""

    def __init__(
        self, simulation: Simulation, symbol: str, since_ms: int | None, until_ms: int | None
    ) -> None:
        self.symbol = symbol
        self._rehearsal = simulation.rehearsal()
        self._end_ms = simulation.end_ms if until_ms is None else min(until_ms - 1, simulation.end_ms)
        # It begins in an open market: behind the first quotes, which all come at once.
        begin_ms = max(simulation.start_ms + 1, since_ms or 0)
        while self._rehearsal.next_ms < begin_ms:
            self._rehearsal.step()
        if symbol not in self._rehearsal.assets:
            listed = ", ".join(self._rehearsal.assets)
            raise ValueError(f"{symbol} is not listed in the simulated market; take one of {listed}.")
        self.asset = self._rehearsal.assets[symbol]

    @property
    def time_ms(self) -> int:
        """The market's time."""
        return self._rehearsal.shard.time_ms

    @property
    def next_ms(self) -> int:
        """When the investors' next command comes."""
        next_ms = self._rehearsal.next_ms
        return int(next_ms) if next_ms <= self._end_ms else NEVER_MS

    @property
    def end_ms(self) -> int:
        """When the simulation ends."""
        return max(self._end_ms, self.time_ms)

    def step(self) -> list[MarketEvent]:
        """Run the investors' next command."""
        return of_interest(self._rehearsal.step().events, self.symbol)

    def send(self, command: Command, time_ms: int) -> list[MarketEvent]:
        """Run a command of the strategy's, which the investors hear of as of any other."""
        return of_interest(self._rehearsal.run(command, time_ms), self.symbol)

    def ladder(self) -> Ladder:
        """Give the symbol's book as it is."""
        return self._rehearsal.view.ladder(self.symbol).copy()
