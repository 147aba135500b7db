"""What faults happen to: a market under load, and engines as processes to be killed and cut off."""

from __future__ import annotations

import asyncio
import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Self

from engine.log import Connection, LogError, LogWriter, NewRecord
from engine.topics import ORDERS
from homebroker.settings import Settings
from tests.all_commands import DAY_MS, flow
from tests.market import freeze_part, start_part, stop_part, wait_until, wait_until_ready

_COMMANDS_PER_S = 1_000
_BATCHES = (1, 7, 50, 300)
_DAYS_AGO = 100
_RETRY_S = 0.2


@contextmanager
def load(connection: Connection, *, seed: int) -> Iterator[None]:
    """Send commands of every kind from another thread, also while Kafka is away, until the context ends.

    The last command, sent when Kafka is there again, is one that the engine answers with a report.
    """
    ended, given_up = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as thread:
        sending = thread.submit(asyncio.run, _send(connection, seed, ended, given_up))
        try:
            yield
        except BaseException:
            # Kafka may never be there again.
            given_up.set()
            raise
        finally:
            ended.set()
        sending.result()


async def _send(connection: Connection, seed: int, ended: threading.Event, given_up: threading.Event) -> None:
    dice = random.Random(seed)
    now_ms = time.time_ns() // 1_000_000
    records = flow(seed=seed, start_ms=(now_ms // DAY_MS - _DAYS_AGO) * DAY_MS)
    async with LogWriter(connection) as writer:
        while not ended.is_set():
            batch = list(islice(records, dice.choice(_BATCHES)))
            # Kept or not, the log is whatever it is, and the flow goes on.
            await _is_kept(writer, batch)
            await asyncio.sleep(len(batch) / _COMMANDS_PER_S)
        # A deposit, say, is answered without a report; nonsense always has one.
        last = NewRecord(None, b"the load ends here", next(records).time_ms)
        while not given_up.is_set() and not await _is_kept(writer, [last]):
            pass


async def _is_kept(writer: LogWriter, batch: Sequence[NewRecord]) -> bool:
    try:
        await writer.append_all(ORDERS, batch)
    except LogError:
        await asyncio.sleep(_RETRY_S)
        return False
    return True


class RunningEngine:
    """An engine as a process, which may be started again; at the context's end it is stopped."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._log_path = settings.data_dir / "log" / "engine.log"
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.freeze(False)
        stop_part(self._process)

    def _start(self) -> None:
        self._log_start = self._log_path.stat().st_size if self._log_path.exists() else 0
        self._process = start_part(self.settings, "engine")

    def kill(self) -> None:
        """End it the way a power cut would."""
        stop_part(self._process, signal.SIGKILL)

    def kill_and_start(self) -> None:
        """Kill it, and start it again as the supervisor does."""
        self.kill()
        self._start()

    @property
    def log(self) -> str:
        """What it has logged since it was last started."""
        return self._log_path.read_bytes()[self._log_start :].decode()

    @property
    def runs(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def wait_until_it_says(self, what: str, times: int = 1) -> None:
        """Wait until there are so many lines with these words in its log."""
        wait_until(lambda: self.log.count(what) >= times, f"{what}; {self._log_path}")

    def wait_until_ready(self) -> None:
        """Wait until it serves, or stands by for long."""
        wait_until_ready(self.settings, "engine")

    def freeze(self, frozen: bool = True) -> None:
        """Make it hang, or go on."""
        if self.runs:
            freeze_part(self._process, frozen)


def engine_settings(settings: Settings, data_dir: Path) -> Settings:
    """Give the settings of an engine that has a data directory, and so a name, of its own and saves often."""
    data_dir.mkdir(parents=True, exist_ok=True)
    return settings.model_copy(update={"data_dir": data_dir, "snapshot_commands": 1_000})
