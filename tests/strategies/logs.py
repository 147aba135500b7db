"""Whole logs, made of a seed for each command."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from hypothesis import strategies as st
from msgspec import structs

from engine.domain import Command, Place
from tests.strategies.auction_days import BANDED, SESSION_THROWS
from tests.strategies.markets import OPENING, START_MS
from tests.strategies.throws import DAY_MS, HOUR_MS, THROWS, Throw, Tickets, malformed

_IDS = 40
_COMMANDS_MAX = 60

_WAITS_MS = (*[0] * 40, *[1, 400, 1_000] * 2, -HOUR_MS, HOUR_MS, 5 * HOUR_MS, DAY_MS, 3 * DAY_MS)
_SESSION_WAITS_MS = (*[0] * 80, *[400] * 10, 5 * HOUR_MS, DAY_MS)


class Step(NamedTuple):
    """A command and the timestamp of its record."""

    command: Command
    time_ms: int


def _command(seed: int) -> Command:
    dice = Random(seed)
    return dice.choice(THROWS)(dice, Tickets(_IDS))


def log_of(seeds: list[int]) -> list[Step]:
    """Give the log that these seeds of dice make, the opening first."""
    return _thrown(seeds, OPENING, (*THROWS, malformed), _WAITS_MS)


def session_of(seeds: list[int]) -> list[Step]:
    """Give a log in which phases change often and most orders are for an auction, the opening first."""
    return _thrown(seeds, (*OPENING, *BANDED.values()), SESSION_THROWS, _SESSION_WAITS_MS)


def _thrown(
    seeds: list[int], opening: tuple[Command, ...], throws: tuple[Throw, ...], waits_ms: tuple[int, ...]
) -> list[Step]:
    time_ms, log, tickets = START_MS, [Step(command, START_MS) for command in opening], Tickets()
    for seed in seeds:
        dice = Random(seed)
        time_ms += dice.choice(waits_ms)
        command = dice.choice(throws)(dice, tickets)
        if isinstance(command, Place) and command.expires_at_ms is not None:
            ahead_ms = command.expires_at_ms - START_MS
            command = structs.replace(command, expires_at_ms=time_ms + ahead_ms)
        log.append(Step(command, time_ms))
    return log


# Hypothesis draws evenly from as many; of more it would mostly draw small ones.
_seeds = st.integers(0, 2**24 - 1)
commands: st.SearchStrategy[Command] = _seeds.map(_command)
# Most logs are long; a list alone would mostly be short.
logs: st.SearchStrategy[list[Step]] = (
    st.sampled_from([0, _COMMANDS_MAX // 2, _COMMANDS_MAX, _COMMANDS_MAX])
    .flatmap(lambda shortest: st.lists(_seeds, min_size=shortest, max_size=_COMMANDS_MAX))
    .flatmap(lambda seeds: st.sampled_from([log_of, log_of, session_of]).map(lambda log: log(seeds)))
)
