"""The simulated market in memory: its investors, and a shard of the engine's that answers them."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from engine.domain import AssetChanged, Command, Execution, Trade
from engine.events import domain_events
from engine.kernel.layout import EventKind
from engine.shard import Happened, Shard
from engine.wire.rows import CommandRows
from homebroker.simulator.crowd import Arrivals, Crowd
from homebroker.simulator.opening import opening_commands
from homebroker.simulator.view import MarketView
from homebroker.simulator.weather import Weather
from homebroker.strategy.session import MarketEvent


class Step(NamedTuple):
    """A command, its time, and what it caused: trades and reports, then books."""

    command: Command
    time_ms: int
    events: list[MarketEvent]


class Rehearsal:
    """A market from its opening on, a command at a time.

    Parameters
    ----------
    seed : int
        The investors' dice; the same arguments give the same commands.
    start_ms : int
        The first command's time.
    rate : float
        Commands a second.
    investor_id : str or None
        Whose account a demo trades.
    size : float
        How many times the usual shares the investors order at once.
    weather : Weather, optional
        How prices move.
    """

    def __init__(
        self,
        *,
        seed: int,
        start_ms: int,
        rate: float,
        investor_id: str | None,
        size: float = 1.0,
        weather: Weather | None = None,
    ) -> None:
        self.shard = Shard(number=0)
        self.view = MarketView()
        self.assets: dict[str, AssetChanged] = {}
        self._single = CommandRows(self.shard.investors, self.shard.symbols)
        run = run_name(start_ms)
        self._crowd = Crowd(seed=seed, run=run, time_ms=start_ms, view=self.view, size=size)
        if weather is not None:
            self._crowd.move_prices(weather)
        self._arrivals = Arrivals(self._crowd, rate=rate, seed=f"{seed}/{start_ms}", start_ms=start_ms)
        opening = [*opening_commands(investor_id=investor_id), *self._crowd.start(start_ms)]
        self._due: deque[tuple[int, Command]] = deque((start_ms, command) for command in opening)

    @property
    def next_ms(self) -> float:
        """When the investors' next command comes."""
        self._fill()
        return self._due[0][0] if self._due else self._arrivals.next_ms

    def step(self) -> Step:
        """Run the investors' next command."""
        self._fill()
        time_ms, command = self._due.popleft()
        return Step(command, time_ms, self.run(command, time_ms))

    def run(self, command: Command, time_ms: int) -> list[MarketEvent]:
        """Run anybody's command, and let the investors hear what came of it."""
        self._single.clear()
        self._single.add(command, self.shard.offset + 1, time_ms)
        events: list[MarketEvent] = []

        def listen(part: Happened) -> None:
            self.assets.update((asset.symbol, asset) for _, asset in part.assets)
            # Accounts, which nobody here listens to, are most of what it costs to make events of rows.
            is_execution = part.rows.events["kind"] == EventKind.EXECUTION
            rows = part.rows._replace(events=part.rows.events[is_execution])
            told = domain_events(rows, _no_asset)
            events.extend(event for _, event in told if isinstance(event, (Trade, Execution)))

        self.shard.apply_all(self._single, listen)
        events += self.shard.take_book_changes()
        reactions = [command for event in events for command in self._crowd.observe(event, time_ms)]
        self._due.extend((time_ms, command) for command in reactions)
        self._arrivals.count(len(reactions))
        return events

    def _fill(self) -> None:
        while not self._due and self._arrivals.next_ms < float("inf"):
            time_ms = int(self._arrivals.next_ms)
            self._due.extend((time_ms, command) for command in self._arrivals.take())


def run_name(time_ms: int) -> str:
    """Name a run of the simulator after its start, for its order ids."""
    return f"{time_ms:x}"


def _no_asset(row: object) -> AssetChanged:
    raise AssertionError(f"{row!r} is no execution")
