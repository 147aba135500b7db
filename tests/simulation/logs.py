"""Long logs, the same for the same seed."""

from __future__ import annotations

from itertools import islice
from random import Random

from bench.flow import flow, opening
from engine.wire.commands import decode_command
from tests import all_commands
from tests.strategies import START_MS, Step, log_of

_SEEDS = 2**24


def long_log(*, seed: int, count: int) -> list[Step]:
    """Give a log of all commands, as the properties draw them but longer; it spans months."""
    dice = Random(seed)
    return log_of([dice.randrange(_SEEDS) for _ in range(count)])


def busy_log(*, seed: int, count: int, symbols: int = 3) -> list[Step]:
    """Give a log in an exchange's mix, with thousands of orders resting, a command every ten milliseconds."""
    commands = [*opening(symbols), *flow(count, symbols=symbols, seed=seed)]
    return [Step(command, START_MS + 10 * place) for place, command in enumerate(commands)]


def deep_log(*, seed: int, count: int) -> list[Step]:
    """Give a log of all commands in which hundreds of orders rest, and auctions end in trades."""
    records = islice(all_commands.flow(seed=seed, start_ms=START_MS), count)
    return [Step(decode_command(record.value), record.time_ms or START_MS) for record in records]
