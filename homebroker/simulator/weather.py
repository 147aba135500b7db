"""What may be wished of simulated prices: a scenario, as forces on what shares are worth. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from api.identity.simulator_wishes import Scenario

_HOUR_S: Final = 3_600.0
_TREND_PER_HOUR: Final = 0.02
_CALM_SPREAD: Final = 0.3
_CRASH_DEPTH: Final = 0.06
_CRASH_FALL_S: Final = 60.0
_CRASH_REST_S: Final = 60.0
_CRASH_RISE_S: Final = 180.0
_CRASH_SPREAD: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Force:
    """How prices move for a while: `spread` times as wildly as usual, by `drift`, a logarithmic return."""

    spread: float = 1.0
    drift: float = 0.0


USUAL: Final = Force()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """A scenario that began at `since_ms`."""

    scenario: Scenario = Scenario.NORMAL
    since_ms: int = 0

    def force(self, start_ms: int, end_ms: int) -> Force:
        """Give what moves prices from one time to another.

        The drifts of spans that follow each other add up to that of the whole, however it is cut.
        """
        seconds = (end_ms - start_ms) / 1_000
        if self.scenario is Scenario.CALM:
            return Force(spread=_CALM_SPREAD)
        if self.scenario is Scenario.TRENDING_UP:
            return Force(drift=math.log1p(_TREND_PER_HOUR) * seconds / _HOUR_S)
        if self.scenario is Scenario.TRENDING_DOWN:
            return Force(drift=math.log1p(-_TREND_PER_HOUR) * seconds / _HOUR_S)
        if self.scenario is Scenario.FLASH_CRASH:
            before, after = (
                self._fallen((time_ms - self.since_ms) / 1_000) for time_ms in (start_ms, end_ms)
            )
            return Force(spread=_CRASH_SPREAD if before != after else 1.0, drift=after - before)
        return USUAL

    @staticmethod
    def _fallen(seconds: float) -> float:
        depth = math.log1p(-_CRASH_DEPTH)
        if seconds <= 0:
            return 0.0
        if seconds <= _CRASH_FALL_S:
            return depth * seconds / _CRASH_FALL_S
        left = _CRASH_FALL_S + _CRASH_REST_S + _CRASH_RISE_S - seconds
        return depth * min(1.0, max(0.0, left / _CRASH_RISE_S))
