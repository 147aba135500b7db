"""A whole market as a person starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil

from homebroker.pidfile import holder
from homebroker.settings import Settings
from homebroker.supervisor.overview import overview
from homebroker.supervisor.plan import PART_NAMES
from tests.market import environment_of, start_part, wait_until

_START_TIMEOUT_S = 240.0


class RunningMarket:
    """A market started with `homebroker up`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._log = settings.data_dir / "log" / "up.log"
        self._earlier = len(self._log.read_text()) if self._log.exists() else 0
        self.process = start_part(settings, "up")

    def output(self) -> str:
        """What it has printed."""
        return self._log.read_text()[self._earlier :]

    def wait_until_open(self) -> None:
        """Wait until every part is ready."""

        def is_open() -> bool:
            assert self.process.poll() is None, self.output()
            return "The market is open" in self.output()

        wait_until(is_open, f"the market opens; {self.settings.data_dir}", _START_TIMEOUT_S)

    def pids(self) -> dict[str, int]:
        """Give the pid of each part that runs."""
        found = {name: holder(self.settings.data_dir, name) for name in PART_NAMES}
        return {name: pid for name, pid in found.items() if pid is not None}

    def kill(self, *names: str) -> None:
        """Kill parts the way a power cut would, and wait until they are there again and all parts work."""
        there = self.pids()
        killed = {there[name] for name in names}
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        wait_until(
            lambda: self._is_whole_without(killed),
            f"the market is whole again without {names}",
            _START_TIMEOUT_S,
        )

    def _is_whole_without(self, killed: set[int]) -> bool:
        # The broker, first of the parts, is asked last: that takes a connection. And none of them by a
        # process of its own: one after the other, these would take the processor from whatever starts.
        rows = (overview(self.settings, name) for name in reversed(PART_NAMES))
        return all(row.is_ready and row.pid not in killed for row in rows)

    def descendants(self) -> list[psutil.Process]:
        """Give every process that it has started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def status(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Ask `homebroker status`."""
        return run_homebroker(self.settings, "status", *arguments)


def run_homebroker(settings: Settings, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end with these settings."""
    return subprocess.run(
        [sys.executable, "-m", "homebroker", *command],
        cwd=settings.data_dir,
        env=environment_of(settings),
        capture_output=True,
        text=True,
        check=False,
    )
