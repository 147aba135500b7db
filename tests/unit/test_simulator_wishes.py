"""Scenarios that admins wish of the simulator: what they do to prices, and how they arrive."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.database import open_database
from api.identity.migrating import migrate
from api.identity.simulator_wishes import Scenario, SimulatorWish, read, write
from engine.domain import CancelAll, Command
from homebroker.simulator.crowd import Arrivals, Crowd
from homebroker.simulator.fair_price import FairPrices
from homebroker.simulator.opening import COMPANIES
from homebroker.simulator.view import MarketView
from homebroker.simulator.weather import Weather
from homebroker.simulator.wishes import follow_wishes

HOUR_MS = 3_600_000
SYMBOL = COMPANIES[0].symbol


def path(scenario: Scenario, seed: int, *, minutes: int = 60) -> list[float]:
    """Let a share's worth move for a while in a scenario that begins at 0; gives it minute by minute."""
    fair = FairPrices(COMPANIES, dice=random.Random(seed), time_ms=0, start_prices_units={})
    fair.weather = Weather(scenario=scenario)
    first = fair.ticks(SYMBOL, 0)
    return [fair.ticks(SYMBOL, second * 1_000) / first for second in range(1, minutes * 60 + 1)][59::60]


def test_a_calm_market_moves_less() -> None:
    spreads = {
        scenario: statistics.mean(
            statistics.pstdev([math.log(b / a) for a, b in itertools.pairwise(moved)])
            for moved in (path(scenario, seed, minutes=20) for seed in range(3))
        )
        for scenario in (Scenario.NORMAL, Scenario.CALM)
    }
    assert spreads[Scenario.CALM] == pytest.approx(0.3 * spreads[Scenario.NORMAL], rel=0.01)


def test_trends_go_their_way_beside_the_same_dice() -> None:
    for seed in range(2):
        usual = path(Scenario.NORMAL, seed)[-1]
        assert path(Scenario.TRENDING_UP, seed)[-1] / usual == pytest.approx(1.02, abs=0.001)
        assert path(Scenario.TRENDING_DOWN, seed)[-1] / usual == pytest.approx(0.98, abs=0.001)


def test_a_flash_crash_falls_in_a_minute_and_is_back_after_five() -> None:
    drift = Weather(scenario=Scenario.FLASH_CRASH, since_ms=1_000).force
    assert math.exp(drift(0, 61_000).drift) == pytest.approx(0.94)
    assert math.exp(drift(0, 121_000).drift) == pytest.approx(0.94)
    assert drift(0, 301_000).drift == pytest.approx(0)
    assert drift(301_000, 999_000).drift == 0
    moved = statistics.mean(path(Scenario.FLASH_CRASH, seed, minutes=2)[1] for seed in range(20))
    assert moved == pytest.approx(0.94, abs=0.01)


@given(
    st.sampled_from(Scenario),
    st.lists(st.integers(min_value=0, max_value=2 * HOUR_MS), min_size=2, max_size=20),
    st.integers(min_value=0, max_value=HOUR_MS),
)
def test_however_time_is_cut_the_drift_is_the_same(
    scenario: Scenario, times_ms: list[int], since_ms: int
) -> None:
    weather = Weather(scenario=scenario, since_ms=since_ms)
    times_ms.sort()
    whole = weather.force(times_ms[0], times_ms[-1]).drift
    parts = sum(weather.force(a, b).drift for a, b in itertools.pairwise(times_ms))
    assert parts == pytest.approx(whole, abs=1e-9)


class _Eager(Crowd):
    """Investors who always send something."""

    commands = 1

    def turn(self, time_ms: int) -> list[Command]:  # noqa: ARG002
        """Send so many commands."""
        return self.commands * [CancelAll(investor_id="sim", symbol=SYMBOL)]


def test_a_rate_of_zero_is_silence_and_another_one_ends_it() -> None:
    crowd = _Eager(seed=1, run="r", time_ms=0, view=MarketView())
    arrivals = Arrivals(crowd, rate=50.0, seed="s", start_ms=0)
    assert _turns_until(arrivals, 20_000) == pytest.approx(1_000, rel=0.1)
    arrivals.come_at(0)
    assert arrivals.next_ms == math.inf
    arrivals.skip_to(10**9)
    arrivals.come_at(500.0)
    assert _turns_until(arrivals, 10**9 + 20_000) == pytest.approx(10_000, rel=0.1)


@pytest.mark.parametrize("commands", [0, 1, 10])
def test_the_rate_is_of_commands_and_not_of_turns(commands: int) -> None:
    crowd = _Eager(seed=1, run="r", time_ms=0, view=MarketView())
    crowd.commands = commands
    arrivals = Arrivals(crowd, rate=50.0, seed="s", start_ms=0)
    # Turns at which nobody does anything take the time of one command.
    assert _turns_until(arrivals, 100_000) == pytest.approx(5_000 / max(1, commands), rel=0.1)


def _turns_until(arrivals: Arrivals, time_ms: int) -> int:
    turns = 0
    while arrivals.next_ms <= time_ms:
        arrivals.take()
        turns += 1
    return turns


async def test_a_wish_arrives_also_in_a_database_that_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("homebroker.simulator.wishes._LOOK_EVERY_S", 0.01)
    url = f"sqlite:///{tmp_path / 'users.sqlite'}"
    told: asyncio.Queue[SimulatorWish] = asyncio.Queue()
    following = asyncio.create_task(follow_wishes(url, told.put_nowait))
    await asyncio.sleep(0.05)
    assert told.empty()
    assert not (tmp_path / "users.sqlite").exists(), "whoever makes it first decides who may read it"
    database = open_database(url, flushed=True)
    migrate(database)
    wishes = [
        SimulatorWish(scenario=Scenario.CALM, rate=None, since_ms=5),
        SimulatorWish(scenario=Scenario.FLASH_CRASH, rate=120.0, since_ms=6),
    ]
    for wish in wishes:
        with database.begin() as connection:
            write(connection, wish)
            assert read(connection) == wish
        assert await asyncio.wait_for(told.get(), 10) == wish
    await asyncio.sleep(0.05)
    assert told.empty()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    database.dispose()
