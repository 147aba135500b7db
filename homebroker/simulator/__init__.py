"""Simulated investors: they open a fresh market, give it a past, and keep it alive."""

from homebroker.simulator.opening import open_market, opening_commands
from homebroker.simulator.service import SimulatorConfig, run

__all__ = ["SimulatorConfig", "open_market", "opening_commands", "run"]
