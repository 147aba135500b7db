"""What the properties share: an exchange fed from a log, and how many logs are tried."""

from __future__ import annotations

import os
from collections.abc import Iterator

from engine.domain import Event
from tests.scenarios import Exchange
from tests.strategies import Step

_SOAK = 20 if os.environ.get("HOMEBROKER_TEST_SOAK") == "1" else 1


def examples(count: int) -> int:
    """Give how many examples a property is tried with; a soak tries more."""
    return count * _SOAK


def played(exchange: Exchange, log: list[Step]) -> Iterator[tuple[Step, list[Event]]]:
    """Apply a log, command by command, and give what each caused."""
    for offset, step in enumerate(log):
        yield step, exchange.apply(step.command, offset=offset, time_ms=step.time_ms)
