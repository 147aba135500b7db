"""The hours before a fresh market was opened: commands with earlier times, made by investors who react."""

from __future__ import annotations

from collections.abc import Iterator

from engine.domain import Command
from homebroker.simulator.rehearsal import Rehearsal

# A few trades a minute in each symbol: candles with bodies and wicks, and hours of them in seconds.
WARM_UP_COMMANDS_PER_SECOND = 2.2
_SIZE_MAX = 50.0


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
    market = Rehearsal(
        seed=seed,
        start_ms=start_ms,
        rate=WARM_UP_COMMANDS_PER_SECOND,
        investor_id=investor_id,
        size=min(_SIZE_MAX, max(1.0, rate / WARM_UP_COMMANDS_PER_SECOND)),
    )
    while market.next_ms <= end_ms:
        step = market.step()
        yield step.command, step.time_ms
