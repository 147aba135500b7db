"""The command `homebroker prepare`: what the first start would otherwise have to wait for."""

from __future__ import annotations

import subprocess
import sys

from homebroker.broker.rehearsal import rehearse
from homebroker.errors import StartError
from homebroker.screen import console, download_bar
from homebroker.settings import Settings

_COMPILE = "from engine import warm_up; warm_up.main(print)"


def run_prepare(settings: Settings) -> None:
    """Compile the engine and, meanwhile, hold a rehearsal of the embedded Kafka, if that is to be used.

    Raises
    ------
    StartError
        When the engine cannot be compiled.
    """
    # A process of its own: the compiler leaves no time for anything beside it in the same Python.
    compiling = subprocess.Popen([sys.executable, "-c", _COMPILE])  # noqa: S603 - our own Python with our own code
    try:
        if settings.embedded_broker:
            with download_bar("Kafka") as progress:
                rehearse(progress)
    except StartError as error:
        # No reason to stop: a market starts without a rehearsal, and says itself when it cannot.
        console.print(str(error), style="yellow")
    finally:
        code = compiling.wait()
    if code:
        raise StartError(f"The matching engine could not be compiled (exit code {code}); see above.")
