"""The processes that are measured: the engine as it runs in a market, and the pass-through beside it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from engine.progress import State
from homebroker.ports import free_port
from homebroker.settings import Settings
from homebroker.status import read_status, remove_status

_READY_TIMEOUT_S: Final = 900.0
_POLL_S: Final = 0.01
_LOG_SHOWN: Final = 2_000


def environment_of(settings: Settings) -> dict[str, str]:
    """Give the environment of a process that is to use these settings' broker and data directory."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOMEBROKER_")}
    return inherited | {
        "HOMEBROKER_DATA_DIR": str(settings.data_dir),
        "HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS": "",
        "HOMEBROKER_KAFKA_PORT": str(settings.kafka_port),
        "HOMEBROKER_API_PORT": str(settings.api_port),
        "HOMEBROKER_STREAMS_PER_ADDRESS": str(settings.streams_per_address),
        "HOMEBROKER_DATABASE_URL": settings.database_url,
    }


class Measured:
    """A process under measurement: held and let go, its processor time and memory told."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log
        self._told = psutil.Process(process.pid)

    def hold(self) -> None:
        """Stop it where it is, for a few seconds at most: it has peers that expect its heartbeats."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Let it end."""
        self._process.terminate()
        self._process.wait()

    def kill(self) -> None:
        """End it the way a power cut would."""
        self._process.kill()
        self._process.wait()

    def processor_s(self) -> float:
        """Give the processor time that it has used so far."""
        times = self._told.cpu_times()
        return float(times.user + times.system)

    def resident_bytes(self) -> int:
        """Give the memory that it holds now."""
        return int(self._told.memory_info().rss)

    def pin(self, cores: Sequence[int]) -> None:
        """Let it run on these cores only."""
        self._told.cpu_affinity(list(cores))

    def log(self) -> str:
        """Give what it has logged so far."""
        return self._log.read_text()

    def check_alive(self) -> None:
        """Raise, with the end of its log, when it has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"a measured process ended: {self.log()[-_LOG_SHOWN:]}")


@contextmanager
def engine_process(settings: Settings) -> Iterator[Measured]:
    """Run `homebroker engine`; gives it when it says that it is ready."""
    with starting_engine(settings) as engine:
        wait_until_ready(settings, engine)
        yield engine


@contextmanager
def starting_engine(settings: Settings) -> Iterator[Measured]:
    """Run `homebroker engine`; gives it at once."""
    remove_status(settings.data_dir, "engine")
    with _started(settings, "homebroker", "engine") as engine:
        yield engine


@contextmanager
def recorder_process(settings: Settings) -> Iterator[Measured]:
    """Run `homebroker recorder`; gives it when it says that it is ready."""
    remove_status(settings.data_dir, "recorder")
    with _started(settings, "homebroker", "recorder") as recorder:
        wait_until_ready(settings, recorder, "recorder")
        yield recorder


@contextmanager
def passthrough_process(settings: Settings) -> Iterator[Measured]:
    """Run the pass-through; gives it when its clients are connected."""
    ready = settings.data_dir / "passthrough.ready"
    bootstrap = settings.connection.bootstrap_servers
    with _started(settings, "bench.passthrough", bootstrap, str(ready)) as passthrough:
        _wait(ready.exists, passthrough)
        yield passthrough


@contextmanager
def api_process(settings: Settings) -> Iterator[Measured]:
    """Run `homebroker api`; gives it when it says that it is ready."""
    with starting_api(settings) as api:
        wait_until_ready(settings, api, "api")
        yield api


@contextmanager
def starting_api(settings: Settings) -> Iterator[Measured]:
    """Run `homebroker api`; gives it at once."""
    remove_status(settings.data_dir, "api")
    with _started(settings, "homebroker", "api") as api:
        yield api


@contextmanager
def constant_server_process(settings: Settings, *arguments: int) -> Iterator[tuple[Measured, int]]:
    """Run the server of constant bytes; gives it and its port when it listens."""
    port = free_port()
    with _started(settings, "bench.constant_server", str(port), *map(str, arguments)) as server:
        _wait(lambda: _listens(port), server)
        yield server, port


def wait_until_ready(settings: Settings, part: Measured, name: str = "engine") -> None:
    """Wait until a part's status file says that it is ready."""

    def is_ready() -> bool:
        status = read_status(settings.data_dir, name)
        return status is not None and status.state is State.READY

    _wait(is_ready, part)


@contextmanager
def _started(settings: Settings, module: str, *arguments: str) -> Iterator[Measured]:
    log = settings.data_dir / f"{module}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program with our own arguments
            [sys.executable, "-m", module, *arguments],
            env=environment_of(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Measured(process, log)
    finally:
        # A held process hears nothing else.
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(condition: Callable[[], bool], process: Measured) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while not condition():
        process.check_alive()
        if time.monotonic() > deadline:
            raise TimeoutError(f"a measured process was not ready within {_READY_TIMEOUT_S:.0f} s")
        time.sleep(_POLL_S)
