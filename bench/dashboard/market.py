"""A whole market for the measurement, quiet but for its ticks, and the variants' servers beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import psutil

from homebroker.ports import free_port
from homebroker.settings import Settings

PARTS: Final = ("dashboard", "api")
"""What serves the page."""
_OPEN_TIMEOUT_S: Final = 180.0
_POLL_S: Final = 0.2
_VARIANTS: Final = Path(__file__).parent / "variants"
_OPTIONS: Final = (
    "--server.headless=true",
    "--browser.gatherUsageStats=false",
    "--server.fileWatcherType=none",
    "--server.address=127.0.0.1",
)


@contextmanager
def market(folder: Path, *, simulator: bool = False) -> Iterator[Settings]:
    """Run `homebroker up`, with simulated investors at their usual rate or without any."""
    ports = {name: free_port() for name in ("kafka", "api", "dashboard")}
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("HOMEBROKER_")
    } | {
        "HOMEBROKER_DATA_DIR": str(folder),
        "HOMEBROKER_KAFKA_PORT": str(ports["kafka"]),
        "HOMEBROKER_API_PORT": str(ports["api"]),
        "HOMEBROKER_DASHBOARD_PORT": str(ports["dashboard"]),
        "HOMEBROKER_SIMULATOR": "on" if simulator else "off",
    }
    with _process([sys.executable, "-m", "homebroker", "up"], environment, folder / "up.log") as process:
        settings = Settings(
            _env_file=None,
            data_dir=folder,
            kafka_bootstrap_servers=f"127.0.0.1:{ports['kafka']}",
            api_port=ports["api"],
            dashboard_port=ports["dashboard"],
        )
        _wait_for(f"http://127.0.0.1:{ports['api']}/assets/PETR4", process, folder / "up.log")
        _wait_for(f"http://127.0.0.1:{ports['dashboard']}/", process, folder / "up.log")
        yield settings


@contextmanager
def variant(name: str, settings: Settings) -> Iterator[str]:
    """Serve one of Streamlit's own ways to redraw; gives its address."""
    port = free_port()
    environment = os.environ | {"BENCH_API_URL": f"http://127.0.0.1:{settings.api_port}"}
    script = str(_VARIANTS / f"{name}.py")
    command = [sys.executable, "-m", "streamlit", "run", script, f"--server.port={port}", *_OPTIONS]
    log = settings.data_dir / f"{name}.log"
    with _process(command, environment | {"PYTHONPATH": str(_VARIANTS.parents[2])}, log) as process:
        _wait_for(f"http://127.0.0.1:{port}/", process, log)
        yield f"http://127.0.0.1:{port}"


def pid_of(settings: Settings, part: str) -> int:
    """Give the process that a part of the market is."""
    return int((settings.data_dir / "run" / f"{part}.pid").read_text().split()[0])


def processor_s(settings: Settings, part: str) -> float:
    """Give the processor time that a part of the market has used so far."""
    times = psutil.Process(pid_of(settings, part)).cpu_times()
    return float(times.user + times.system)


@contextmanager
def _process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command, env=environment, stdout=output, stderr=output
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up_s = time.monotonic() + _OPEN_TIMEOUT_S
    while True:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.HTTPError:
            pass
        if process.poll() is not None or time.monotonic() > give_up_s:
            raise RuntimeError(f"{url} did not open: {log.read_text()[-2_000:]}")
        time.sleep(_POLL_S)
