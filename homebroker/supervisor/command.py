"""The command `homebroker up`."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from contextlib import suppress

from engine.log import LogError
from homebroker.broker.jars import default_cache, fetch_jars, locked_jars
from homebroker.errors import StartError
from homebroker.exposure import check_api_exposure
from homebroker.pidfile import claim
from homebroker.ports import check_api_port, check_broker_ports, check_dashboard_port, check_ports_differ
from homebroker.screen import console, download_bar
from homebroker.settings import Settings
from homebroker.settings_table import unknown_variables
from homebroker.status import now_ms
from homebroker.supervisor.display import Display
from homebroker.supervisor.orphans import stop_orphans
from homebroker.supervisor.plan import parts_of
from homebroker.supervisor.readiness import api_address, dashboard_address
from homebroker.supervisor.rehearsing import rehearse_meanwhile
from homebroker.supervisor.sign_in_help import how_to_sign_in
from homebroker.supervisor.supervision import Supervision
from homebroker.supervisor.topics import hush_clients

_DISK_BYTES_MIN = 256 * 1024 * 1024
_OPEN_ATTEMPTS = 20
_OPEN_PAUSE_S = 0.5


def run_up(settings: Settings) -> None:
    """Run the whole market until Ctrl-C, SIGTERM or the terminal's end.

    Raises
    ------
    StartError
        When it runs already in this data directory, or cannot run as things are.
    """
    hush_clients()
    pid_file = claim(settings.data_dir, "up")
    display = Display(console)
    try:
        _prepare(settings, display)
        asyncio.run(_up(settings, display))
    finally:
        display.done_waiting()
        pid_file.release()


def _prepare(settings: Settings, display: Display) -> None:
    for complaint in unknown_variables(os.environ):
        display.say(complaint)
    for name in stop_orphans(settings):
        display.say(f"Stopped the {name} that an earlier `homebroker up` had left.")
    free_bytes = shutil.disk_usage(settings.data_dir).free
    if free_bytes < _DISK_BYTES_MIN:
        raise StartError(
            f"The disk of {settings.data_dir} has only {free_bytes >> 20} MB free; a market needs "
            f"{_DISK_BYTES_MIN >> 20} MB. Free some space, or set HOMEBROKER_DATA_DIR to another disk."
        )
    check_ports_differ(settings)
    if settings.embedded_broker:
        check_broker_ports(settings)
    check_api_exposure(settings)
    check_api_port(settings)
    check_dashboard_port(settings)
    if settings.embedded_broker:
        with download_bar("downloading Kafka, once") as progress:
            fetch_jars(default_cache(), locked_jars(), progress)


async def _up(settings: Settings, display: Display) -> None:
    supervision = Supervision(settings, parts_of(settings), display)

    async def when_ready() -> None:
        await _greet(settings, display)
        await rehearse_meanwhile(settings, display)

    running = asyncio.create_task(supervision.run(when_ready))
    told: list[int] = []

    def stop(number: int) -> None:
        told.append(number)
        if len(told) == 1:
            running.cancel()
        else:
            supervision.kill()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Under nohup the end of the terminal is to be ignored.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            loop.add_signal_handler(number, stop, number)
    try:
        with suppress(asyncio.CancelledError):
            await running
    finally:
        display.say("Stopping. Once more Ctrl-C ends everything at once." if told else "Stopping.")
        await supervision.stop()
        display.done_waiting()
        display.say("Stopped.")


async def _greet(settings: Settings, display: Display) -> None:
    if settings.simulator == "off":
        await _open_market(settings)
    display.done_waiting()
    display.say(f"\nThe market is open:  {dashboard_address(settings)}")
    display.say(f"API and its manual:  {api_address(settings)}/docs")
    for line in how_to_sign_in(settings):
        display.say(line)
    display.say(f"Logs and data:       {settings.data_dir}    Ctrl-C stops everything.\n")


async def _open_market(settings: Settings) -> None:
    # Loaded only where no simulator does this.
    from homebroker.simulator import open_market  # noqa: PLC0415

    for attempt in range(_OPEN_ATTEMPTS):
        try:
            await open_market(settings.connection, time_ms=now_ms(), investor_id=settings.demo_investor_id)
            return
        except LogError as error:
            if attempt == _OPEN_ATTEMPTS - 1:
                raise StartError(f"The market could not be opened, Kafka is away: {error}") from error
            await asyncio.sleep(_OPEN_PAUSE_S)
