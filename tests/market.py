"""A real market for tests: the embedded broker, its topics emptied for each test, and parts as processes.

The fixtures are in `tests/conftest.py` and can be used by every test:

- `broker`: the session's one Kafka, started the first time that a test asks (about 6 s), on free ports and a
  temporary data directory. A `RunningBroker`: `.connection`, `.settings`, `.kill()`, `.start()`, `.stop()`.
  Leave it running; a test that kills brokers starts its own with `RunningBroker(data_dir)`.
- `market`: a fresh market on that broker, for one test: all topics exist and are empty. A `Market`:
  `.connection` for clients in the test; `.settings` with the test's own data directory and free ports.
- `connection`: `market.connection`, for tests that need no more.

    @pytest.mark.kafka
    async def test_a_record_is_kept(connection: Connection) -> None:
        async with LogWriter(connection) as writer:
            assert await writer.append(ORDERS, NewRecord(b"ana", b"{}")) == 0

A part is run as the real process with `start_part(market.settings, "engine")`, which gives a `Popen`, and
`wait_until_ready(market.settings, "engine")`; inside the test's own loop it is
`asyncio.create_task(engine.service.run(market.connection, report=...))`. Stop what the test started.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiokafka.admin import AIOKafkaAdminClient

from engine.log import Connection, LogError, LogReader, make_topics
from engine.topics import TOPIC_SETTINGS
from homebroker.settings import Settings
from homebroker.status import is_ready, now_ms, read_status

TIMEOUT_S = 90.0
_T = TypeVar("_T")


def run_apart(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine on a loop of its own, whatever loop this thread has or had."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = TIMEOUT_S) -> None:
    """Wait until a condition holds; fails the test, saying what did not come about, when it never does."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s in vain for: {what}"
        time.sleep(0.05)


def free_ports(count: int) -> int:
    """Give the first of some consecutive ports that nobody listens on."""
    while True:
        # Below the range that the kernel takes ports of outgoing connections from.
        first = random.randrange(20_000, 32_000)
        if all(_is_free(port) for port in range(first, first + count)):
            return first


def market_settings(data_dir: Path, **changed: Any) -> Settings:
    """Give settings that touch nothing of this machine's user: own data directory, free ports."""
    ports = {"kafka_port": free_ports(2), "api_port": free_ports(1), "dashboard_port": free_ports(1)}
    return Settings(_env_file=None, data_dir=data_dir, **(ports | changed))  # type: ignore[call-arg]


def environment_of(settings: Settings, **further: str) -> dict[str, str]:
    """Give the environment of a process that is to have these settings and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOMEBROKER_")}
    told = {f"HOMEBROKER_{name.upper()}": str(value) for name, value in settings.model_dump().items()}
    told["HOMEBROKER_KAFKA_SASL_PASSWORD"] = settings.kafka_sasl_password.get_secret_value()
    told["HOMEBROKER_SECRET_KEY"] = settings.secret_key.get_secret_value()
    told["HOMEBROKER_DATA_DIR"] = str(settings.data_dir.resolve())
    root = str(Path(__file__).parent.parent)
    return inherited | told | {"PYTHONPATH": root} | further


def start_part(settings: Settings, *command: str) -> subprocess.Popen[bytes]:
    """Start `homebroker COMMAND` as a process; its output goes to `log/COMMAND.log` in the data directory."""
    log = settings.data_dir / "log" / f"{command[0]}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "homebroker", *command],
            cwd=settings.data_dir,  # where there is no .env
            env=environment_of(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def stop_part(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    """Send a process a signal and wait for its end; gives its exit code."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def freeze_part(process: subprocess.Popen[bytes], frozen: bool = True) -> None:
    """Make a process hang, which it does in all of its threads when this returns, or go on."""
    process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)
    if frozen:
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


def wait_until_ready(settings: Settings, name: str) -> None:
    """Wait until a part's status file says that it is ready."""
    wait_until(lambda: is_ready(read_status(settings.data_dir, name), now_ms()), f"{name} is ready")


class RunningBroker:
    """An embedded broker of the tests, started as `homebroker broker` with its topics made."""

    def __init__(self, data_dir: Path, **changed: Any) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.settings = market_settings(data_dir, **changed)
        self.start()

    @property
    def connection(self) -> Connection:
        """How to reach it."""
        return self.settings.connection

    @property
    def pid(self) -> int:
        """The pid of Kafka's Java."""
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until the topics are there."""
        self._process = start_part(self.settings, "broker")
        try:
            run_apart(self._make_topics())
        except BaseException:
            # An interrupted test must not leave a Java behind; what interrupted it goes on from here.
            self.stop()
            raise

    def kill(self) -> None:
        """End it the way a power cut would end the process."""
        stop_part(self._process, signal.SIGKILL)

    def stop(self) -> None:
        """Let it shut down."""
        stop_part(self._process)

    def freeze(self, frozen: bool = True) -> None:
        """Make it hang, or go on."""
        freeze_part(self._process, frozen)

    async def _make_topics(self) -> None:
        # aiokafka calls every refused connection an error; here they are what is waited for.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            try:
                return await make_topics(self.connection, shards=1)
            except LogError:
                log = (self.settings.data_dir / "log" / "broker.log").read_text()
                assert self._process.poll() is None, f"the broker ended: {log}"
                assert time.monotonic() < deadline, f"the broker does not answer: {log}"
            await asyncio.sleep(0.2)


@dataclass(frozen=True, kw_only=True)
class Market:
    """An empty market: where it is, and settings for the parts that a test starts."""

    settings: Settings
    connection: Connection


def empty_topics(connection: Connection) -> None:
    """Delete the market's topics and make them anew, once the broker answers: one that hung needs a while."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            return run_apart(_empty_topics(connection))
        except LogError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)


async def _empty_topics(connection: Connection) -> None:
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        there = set(await admin.list_topics()) & set(TOPIC_SETTINGS)
        if there:
            await admin.delete_topics(sorted(there))
    finally:
        await admin.close()
    await make_topics(connection, shards=1)
    async with LogReader(connection) as reader:
        for topic in TOPIC_SETTINGS:
            assert await reader.end_offset(topic, 0) == 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
