"""`hb.Simulation`: the simulated market as a thing to study, without a running one."""

from __future__ import annotations

import math
from typing import Final

from msgspec import Struct

from api.identity.simulator_wishes import Scenario
from homebroker.simulator.rehearsal import Rehearsal
from homebroker.simulator.warm_up import WARM_UP_COMMANDS_PER_SECOND
from homebroker.simulator.weather import Weather

# 5 January 2026, 10:00 in Brasília.
_START_MS: Final = 1_767_618_000_000
_MINUTES_MAX: Final = 7 * 24 * 60.0
_RATE_MAX: Final = 1_000.0
_MINUTE_MS: Final = 60_000


class Simulation(Struct, frozen=True, kw_only=True):
    """A market of simulated investors from its opening on: the same seed gives the same market.

    It can be replayed (`hb.replay`), and a strategy can be run in it (`hb.backtest`), to which the investors
    then react as they do live.

    Parameters
    ----------
    minutes : float
        How long, at most a week.
    seed : int
        The investors' dice.
    rate : float
        Commands a second, at most 1,000. Those of a second cost some 0.2 ms each.
    scenario : str
        How prices move: "normal", "calm", "trending_up", "trending_down", "flash_crash".
    start_ms : int
        When it opens, UTC milliseconds.

    Raises
    ------
    ValueError
        When an argument makes no sense.
    """

    minutes: float = 60.0
    seed: int = 7
    rate: float = WARM_UP_COMMANDS_PER_SECOND
    scenario: str = Scenario.NORMAL
    start_ms: int = _START_MS

    def __post_init__(self) -> None:
        if not 0 < self.minutes <= _MINUTES_MAX:
            raise ValueError(f"minutes={self.minutes!r} must be more than 0 and at most {_MINUTES_MAX:,.0f}.")
        if not (math.isfinite(self.rate) and 0 < self.rate <= _RATE_MAX):
            raise ValueError(f"rate={self.rate!r} must be more than 0 and at most {_RATE_MAX:,.0f}.")
        if self.scenario not in set(Scenario):
            raise ValueError(f"scenario={self.scenario!r} is none of {', '.join(Scenario)}.")

    @property
    def end_ms(self) -> int:
        """When it ends, UTC milliseconds."""
        return self.start_ms + int(self.minutes * _MINUTE_MS)

    def rehearsal(self) -> Rehearsal:
        """Make the market, before its opening."""
        return Rehearsal(
            seed=self.seed,
            start_ms=self.start_ms,
            rate=self.rate,
            investor_id=None,
            weather=Weather(scenario=Scenario(self.scenario), since_ms=self.start_ms),
        )
