"""The golden scenarios, each on a market of its own."""

from pathlib import Path

import pytest

from tests.scenarios import Scenario, Stage, read_scenarios

_SCENARIOS = [
    pytest.param(scenario, id=f"{path.stem}: {scenario.name}")
    for path in sorted(Path(__file__).parent.glob("*.scenario"))
    for scenario in read_scenarios(path)
]


@pytest.mark.parametrize("scenario", _SCENARIOS)
def test_market_does_what_the_scenario_says(scenario: Scenario) -> None:
    stage = Stage()
    for line in scenario.lines:
        stage.play(line)
