"""The golden scenarios, each on a market of its own: the engine's and the reference's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.shard import Shard
from tests.reference import ReferenceShard
from tests.scenarios import Exchange, Scenario, Stage, read_scenarios

_SCENARIOS = [
    pytest.param(scenario, id=f"{path.stem}: {scenario.name}")
    for path in sorted(Path(__file__).parent.glob("*.scenario"))
    for scenario in read_scenarios(path)
]


@pytest.mark.parametrize("make_exchange", [Shard, ReferenceShard])
@pytest.mark.parametrize("scenario", _SCENARIOS)
def test_market_does_what_the_scenario_says(
    scenario: Scenario, make_exchange: Callable[[int], Exchange]
) -> None:
    stage = Stage(make_exchange)
    for line in scenario.lines:
        stage.play(line)
