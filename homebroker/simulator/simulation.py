"""`hb.Simulation`: the simulated market as a thing to study, without a running one."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from api.identity.simulator_wishes import Scenario
from engine.domain import TIME_MS_MAX
from homebroker.research.arguments import check_amount, check_whole, check_word
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
        check_amount(self.minutes, most=_MINUTES_MAX, name="minutes")
        check_amount(self.rate, most=_RATE_MAX, name="rate")
        check_word(self.scenario, Scenario, what="scenario")
        for name in ("seed", "start_ms"):
            check_whole(getattr(self, name), most=TIME_MS_MAX, name=name)

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
