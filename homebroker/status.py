"""Where each part stands: what it wrote to `run/NAME.status.json`, and whether it lives."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from engine.progress import State
from homebroker.pidfile import holder

STALE_MS = 30_000
"""A part that works reports about once a second; one that has not for so long hangs."""
READY_STATES = frozenset({State.READY, State.STANDING_BY})


class PartStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a part last said about itself."""

    pid: int
    state: State
    detail: str
    time_ms: int


def now_ms() -> int:
    """Give the present UTC time."""
    return time.time_ns() // 1_000_000


def status_path(data_dir: Path, name: str) -> Path:
    """Give the path of a part's status file."""
    return data_dir / "run" / f"{name}.status.json"


def write_status(data_dir: Path, name: str, status: PartStatus) -> None:
    """Replace a part's status file in one step, so that no reader sees half of it."""
    path = status_path(data_dir, name)
    scratch = path.with_suffix(".new")
    scratch.write_bytes(msgspec.json.encode(status))
    scratch.replace(path)


def remove_status(data_dir: Path, name: str) -> None:
    """Forget what a part said."""
    status_path(data_dir, name).unlink(missing_ok=True)


def read_status(data_dir: Path, name: str) -> PartStatus | None:
    """Read what the live process of a part last said; None when there is none, or it has said nothing."""
    try:
        status = msgspec.json.decode(status_path(data_dir, name).read_bytes(), type=PartStatus)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return status if status.pid == holder(data_dir, name) else None


def is_ready(status: PartStatus | None, time_ms: int) -> bool:
    """Tell whether a status is that of a part that works, or would if another did not."""
    return status is not None and status.state in READY_STATES and time_ms - status.time_ms < STALE_MS
