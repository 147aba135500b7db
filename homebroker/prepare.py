"""The command `homebroker prepare`: what the first starts would otherwise have to wait for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Final

from homebroker.broker.jars import default_cache, fetch_jars, locked_jars
from homebroker.broker.rehearsal import rehearse
from homebroker.errors import StartError
from homebroker.process import stop_with_parent
from homebroker.screen import console, download_bar
from homebroker.settings import Settings

_COMPILE: Final = "from engine import warm_up; warm_up.main(print)"
_LEAST_URGENT: Final = 19
# Linux may give each session the same share, however urgent its processes are, unless it is told here.
_SESSION: Final = Path("/proc/self/autogroup")


class Preparation(StrEnum):
    """What can be prepared."""

    ENGINE = "engine"
    KAFKA = "kafka"
    REHEARSAL = "rehearsal"


def run_prepare(settings: Settings, what: Preparation | None, *, gently: bool) -> None:
    """Compile the engine and, meanwhile, bring the embedded Kafka and rehearse it, if that is to be used.

    Parameters
    ----------
    what : Preparation, optional
        Only this; all when absent.
    gently : bool
        Whether to leave the processor to whoever else wants it.

    Raises
    ------
    StartError
        When the engine cannot be compiled.
    """
    stop_with_parent()
    if gently:
        _give_way()
    wanted = set(Preparation) if what is None else {what}
    # A process of its own: the compiler leaves no time for anything beside it in the same Python.
    compiling = (
        subprocess.Popen([sys.executable, "-c", _COMPILE])  # noqa: S603 - our own Python with our own code
        if Preparation.ENGINE in wanted
        else None
    )
    try:
        if settings.embedded_broker:
            with _ending_when_told(), download_bar("Kafka") as progress:
                if Preparation.KAFKA in wanted:
                    fetch_jars(default_cache(), locked_jars(), progress)
                if Preparation.REHEARSAL in wanted:
                    rehearse(progress)
    except StartError as error:
        # No reason to stop: a market starts without a rehearsal, and says itself when it cannot.
        console.print(str(error), style="yellow")
    finally:
        code = compiling.wait() if compiling is not None else 0
    if code:
        raise StartError(f"The matching engine could not be compiled (exit code {code}); see above.")


def _give_way() -> None:
    os.nice(_LEAST_URGENT)
    if os.getsid(0) != os.getpid():
        # The session is of others too, perhaps a whole terminal's.
        return
    with suppress(OSError):
        _SESSION.write_text(str(_LEAST_URGENT), "utf-8")


@contextmanager
def _ending_when_told() -> Iterator[None]:
    """Let SIGTERM end what goes on by its own way out, with the processes and files that it made."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
