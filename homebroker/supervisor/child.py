"""One process that `up` started: its log file, its end, and how it is stopped."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

from homebroker.errors import StartError
from homebroker.pidfile import forget
from homebroker.process import PARENT_VARIABLE
from homebroker.supervisor.plan import Part

_LOG_BYTES_MAX = 8 * 1024 * 1024
_TAIL_BYTES = 4096
_LINE_LENGTH_MAX = 300
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Child:
    """A part's process, in a session of its own so that a Ctrl-C in the terminal does not reach it."""

    def __init__(self, part: Part, data_dir: Path) -> None:
        assert part.command is not None
        self.part = part
        self.log_path = data_dir / "log" / f"{part.name}.log"
        self._command = part.command
        self._data_dir = data_dir
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The pid of the live process; None when there is none."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Start the process.

        Raises
        ------
        StartError
            When its log file cannot be written.
        """
        try:
            self.log_path.parent.mkdir(parents=True, exist_ok=True)
            if self.log_path.exists() and self.log_path.stat().st_size > _LOG_BYTES_MAX:
                self.log_path.replace(self.log_path.with_suffix(".log.1"))
            log = self.log_path.open("ab")
        except OSError as error:
            raise StartError(
                f"{self.log_path} cannot be written: {error.strerror}. Free the disk or mend the rights."
            ) from error
        with log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "homebroker", *self._command.split()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {PARENT_VARIABLE: str(os.getpid())},
            )

    async def wait(self) -> int:
        """Wait until the process ends, take with it what it may have started, and give its exit code."""
        assert self._process is not None
        code = await self._process.wait()
        self._signal_session(signal.SIGKILL)
        forget(self._data_dir, self.part.name)
        return code

    async def stop(self) -> None:
        """Ask the process to end, and kill it when it has not after its time."""
        if self.pid is None:
            return
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.wait(), self.part.stop_timeout_s)
        except TimeoutError:
            self.kill()
            await self.wait()

    def kill(self) -> None:
        """End the process and what it started at once."""
        if self.pid is not None:
            self._signal_session(signal.SIGKILL)

    def last_line(self) -> str:
        """Give the last line of the log, which tells most often why a process ended."""
        try:
            with self.log_path.open("rb") as log:
                log.seek(max(0, self.log_path.stat().st_size - _TAIL_BYTES))
                lines = log.read().decode("utf-8", "replace").split("\n")
        except OSError:
            return ""
        written = [_COLOUR.sub("", line).strip() for line in lines]
        return next((line[:_LINE_LENGTH_MAX] for line in reversed(written) if line), "")

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        try:
            self._process.send_signal(number)
        except ProcessLookupError:
            return

    def _signal_session(self, number: signal.Signals) -> None:
        assert self._process is not None
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            # Nobody is left in it; macOS says so with the second.
            return


def describe_end(code: int) -> str:
    """Say in words how a process ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
