"""The command `homebroker status`: where each part stands."""

from __future__ import annotations

import asyncio
import time

import msgspec
import psutil
from rich.table import Table

from engine.log import LogError, missing_topics
from homebroker.errors import StartError
from homebroker.pidfile import holder
from homebroker.screen import console
from homebroker.settings import Settings
from homebroker.status import READY_STATES, STALE_MS, is_ready, now_ms, read_status
from homebroker.supervisor.plan import PART_NAMES
from homebroker.supervisor.topics import hush_clients

_BROKER_TIMEOUT_S = 3.0
_COLOURS = {
    "ready": "green",
    "standing by": "green",
    "starting": "yellow",
    "retrying": "yellow",
    "off": "dim",
}


class PartOverview(msgspec.Struct, frozen=True, kw_only=True):
    """One row; `state` is that of the part, `hanging`, `down`, or `off` when not wanted."""

    name: str
    pid: int | None
    state: str
    detail: str
    up_seconds: float | None
    is_ready: bool


def print_overview(settings: Settings, *, as_json: bool) -> int:
    """Print where all parts stand; gives the exit code: 0 when all that should run are ready."""
    rows = [overview(settings, name) for name in PART_NAMES]
    if as_json:
        console.print(msgspec.json.format(msgspec.json.encode(rows)).decode(), markup=False)
    else:
        console.print(_table(rows))
    return 0 if all(row.is_ready or row.state == "off" for row in rows) else 1


def print_check(settings: Settings, name: str) -> int:
    """Print where one part stands; gives the exit code: 0 when it is ready.

    Raises
    ------
    StartError
        When there is no part of that name.
    """
    if name not in PART_NAMES:
        raise StartError(f"There is no part named {name!r}; the parts are {', '.join(PART_NAMES)}.")
    row = overview(settings, name)
    console.print(f"{row.name} is {row.state}{': ' if row.detail else ''}{row.detail}", markup=False)
    return 0 if row.is_ready else 1


def overview(settings: Settings, name: str) -> PartOverview:
    """Find out where a part stands."""
    pid = holder(settings.data_dir, name)
    state, detail = _broker_state(settings, pid) if name == "broker" else _part_state(settings, name, pid)
    return PartOverview(
        name=name,
        pid=pid,
        state=state,
        detail=detail,
        up_seconds=_up_seconds(pid),
        is_ready=state in READY_STATES,
    )


def _part_state(settings: Settings, name: str, pid: int | None) -> tuple[str, str]:
    if pid is None:
        is_wanted = name != "simulator" or settings.simulator == "on"
        return ("down", "") if is_wanted else ("off", "HOMEBROKER_SIMULATOR is off")
    status = read_status(settings.data_dir, name)
    if status is None:
        return "starting", ""
    if status.state in READY_STATES and not is_ready(status, now_ms()):
        return "hanging", f"has said nothing for {STALE_MS // 1000} s; it last said: {status.detail}"
    return str(status.state), status.detail


def _broker_state(settings: Settings, pid: int | None) -> tuple[str, str]:
    if settings.embedded_broker and pid is None:
        return "down", ""
    address = settings.connection.bootstrap_servers
    hush_clients()
    try:
        missing = asyncio.run(_missing_topics(settings))
    except (LogError, TimeoutError):
        return ("starting" if settings.embedded_broker else "down"), f"Kafka does not answer at {address}"
    if missing:
        return "starting", f"Kafka at {address} lacks the topics {', '.join(sorted(missing))}"
    return "ready", f"Kafka at {address}"


async def _missing_topics(settings: Settings) -> set[str]:
    return await asyncio.wait_for(missing_topics(settings.connection), _BROKER_TIMEOUT_S)


def _up_seconds(pid: int | None) -> float | None:
    try:
        return None if pid is None else round(time.time() - psutil.Process(pid).create_time(), 1)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _table(rows: list[PartOverview]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("part", "state", "pid", "up", "detail"):
        table.add_column(heading, justify="right" if heading in {"pid", "up"} else "left")
    for row in rows:
        colour = _COLOURS.get(row.state, "red")
        up = "" if row.up_seconds is None else _duration(row.up_seconds)
        table.add_row(row.name, f"[{colour}]{row.state}[/]", str(row.pid or ""), up, row.detail)
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
    )
