"""The hours before a fresh market was opened: commands with earlier times, made by investors who react.

They react to what the engine will answer, because a shard in memory, the engine's own, answers them here.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.domain import Command
from engine.shard import Shard
from homebroker.simulator.crowd import Arrivals, Crowd
from homebroker.simulator.opening import opening_commands
from homebroker.simulator.view import MarketView

# A few trades a minute in each symbol: candles with bodies and wicks, and hours of them in seconds.
WARM_UP_COMMANDS_PER_SECOND = 2.2
_SIZE_MAX = 50.0


def run_name(time_ms: int) -> str:
    """Name a run of the simulator after its start, for its order ids."""
    return f"{time_ms:x}"


def history(
    *, seed: int, start_ms: int, end_ms: int, investor_id: str | None, rate: float
) -> Iterator[tuple[Command, int]]:
    """Give the commands, each with its time, that open a market and trade until a later time.

    Parameters
    ----------
    seed : int
        The investors' dice; the same arguments give the same commands.
    start_ms, end_ms : int
        The first command's time, and the latest that any may have.
    investor_id : str or None
        Whose account a demo trades.
    rate : float
        Commands a second that will come once the market is open. There are fewer here, of more shares each,
        so that as many change hands in a minute before as after.

    Yields
    ------
    tuple of Command and int
        In the log's order, to be appended to an empty `orders` from offset 0 on.
    """
    size = min(_SIZE_MAX, max(1.0, rate / WARM_UP_COMMANDS_PER_SECOND))
    crowd = Crowd(seed=seed, run=run_name(start_ms), time_ms=start_ms, view=MarketView(), size=size)
    market = _Rehearsal(crowd)
    for command in opening_commands(investor_id=investor_id):
        yield market.run(command, start_ms)
    for command in crowd.first_quotes(start_ms):
        yield market.run(command, start_ms)
    arrivals = Arrivals(crowd, rate=WARM_UP_COMMANDS_PER_SECOND, seed=f"{seed}/{start_ms}", start_ms=start_ms)
    for time_ms, commands in arrivals.until(end_ms):
        for command in commands:
            yield market.run(command, time_ms)


class _Rehearsal:
    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._shard = Shard(number=0)

    def run(self, command: Command, time_ms: int) -> tuple[Command, int]:
        offset = self._shard.offset + 1
        for event in self._shard.apply(command, offset=offset, time_ms=time_ms):
            self._crowd.observe(event, time_ms)
        for change in self._shard.take_book_changes():
            self._crowd.observe(change, time_ms)
        return command, time_ms
