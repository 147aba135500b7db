"""How long a person waits for the market: `homebroker up` in a new data directory, and again in the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.report import Figure, print_figures
from homebroker.broker.temporary import temporary_broker
from homebroker.ports import free_port

_OPEN = "The market is open"
_POLL_S = 0.05


def run(*, restarts: int) -> None:
    """Measure and print the seconds until the market is open, beside Kafka's own start alone."""
    start_s = time.perf_counter()
    with temporary_broker():
        kafka_s = time.perf_counter() - start_s
    with tempfile.TemporaryDirectory(prefix="homebroker-bench-") as folder:
        environment = os.environ | {
            "HOMEBROKER_DATA_DIR": folder,
            "HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS": "",
            "HOMEBROKER_KAFKA_PORT": str(free_port()),
            "HOMEBROKER_API_PORT": str(free_port()),
            "HOMEBROKER_DASHBOARD_PORT": str(free_port()),
        }
        fresh_s = _until_open(environment, Path(folder) / "up.log")
        again_s = sorted(_until_open(environment, Path(folder) / "up.log") for _ in range(restarts))
    middle_s = again_s[len(again_s) // 2]
    print_figures(
        "from the command to an open market, packages and jars at hand",
        [
            Figure("Kafka alone, new storage, topics made", kafka_s, "s"),
            Figure("fresh market, hours of history included", fresh_s, "s"),
            Figure("fresh market / Kafka alone", fresh_s / kafka_s, "×"),
            Figure(f"the same market again, median of {restarts}", middle_s, "s"),
            Figure("again / Kafka alone", middle_s / kafka_s, "×"),
        ],
    )


def _until_open(environment: dict[str, str], log: Path) -> float:
    with log.open("wb") as output:
        start_s = time.perf_counter()
        market = subprocess.Popen(
            [sys.executable, "-m", "homebroker", "up"], env=environment, stdout=output, stderr=output
        )
        try:
            while _OPEN not in log.read_text():
                if market.poll() is not None:
                    raise RuntimeError(f"the market did not open: {log.read_text()}")
                time.sleep(_POLL_S)
            return time.perf_counter() - start_s
        finally:
            market.send_signal(signal.SIGTERM)
            market.wait()
