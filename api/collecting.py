"""When Python's collector of cycles is better left asleep, and what it need not look at.

A full collection looks at all that there is, and nothing else happens meanwhile: with a thousand streams it
took 120 to 250 ms, the longest that a listener had to wait for anything.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_NEW_OBJECTS_MAX: Final = 20_000
_YOUNG_ROUNDS: Final = 20
_MIDDLE_ROUNDS: Final = 50


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep it asleep: for work that makes no cycles, but so much that it would be walked half the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def collect_seldom() -> None:
    """Have it look at nothing that is there now, and seldom at what comes.

    For a process that has begun: modules and what it has read last as long as it does. Cycles that come to
    be among them later are still found, after some ten thousands of new objects, not some hundreds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS_MAX, _YOUNG_ROUNDS, _MIDDLE_ROUNDS)
