"""Processes that an `up` left behind when it was killed outright."""

from __future__ import annotations

import psutil

from homebroker.errors import StartError
from homebroker.pidfile import holder
from homebroker.process import PARENT_VARIABLE
from homebroker.settings import Settings
from homebroker.supervisor.plan import PART_NAMES

_STOP_TIMEOUT_S = 15.0


def stop_orphans(settings: Settings) -> list[str]:
    """Stop the parts that a killed `up` left in this data directory.

    Returns
    -------
    list of str
        The names of those that were stopped.

    Raises
    ------
    StartError
        When a part runs there that no `up` started: that is somebody's own.
    """
    stopped = []
    for name in reversed(PART_NAMES):
        pid = holder(settings.data_dir, name)
        if pid is None:
            continue
        if _stop_if_orphan(pid):
            stopped.append(name)
        elif holder(settings.data_dir, name) is not None:
            raise StartError(
                f"{name} is running already in the data directory {settings.data_dir} (pid {pid}), "
                f"started on its own. Stop it first (kill {pid}), or set HOMEBROKER_DATA_DIR to another."
            )
    return stopped


def _stop_if_orphan(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        starter = process.environ().get(PARENT_VARIABLE, "")
        if not starter.isdigit() or process.ppid() == int(starter):
            return False
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(_STOP_TIMEOUT_S)
    except psutil.NoSuchProcess:
        # It was ending already.
        return True
    except psutil.AccessDenied:
        return False
    return True
