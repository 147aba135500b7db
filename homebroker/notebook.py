"""The command `homebroker notebook`: JupyterLab on the notebooks, with this market's settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr

from homebroker.errors import StartError
from homebroker.settings import Settings

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def open_notebooks(settings: Settings, arguments: Sequence[str] = ()) -> None:
    """Become JupyterLab; does not return.

    Parameters
    ----------
    settings : Settings
        Given to the notebooks as their environment, because they run in a directory without the `.env`.
    arguments : sequence of str
        For JupyterLab, behind our own.

    Raises
    ------
    StartError
        When the notebooks are not there, as in an installation without the repository.
    """
    if not NOTEBOOKS.is_dir():
        raise StartError(
            f"There are no notebooks at {NOTEBOOKS}: they come with the repository. "
            "Clone it and run `make notebook` there."
        )
    command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--ServerApp.root_dir={NOTEBOOKS}"]
    if os.geteuid() == 0:
        # Whoever runs the market as root, as in a container, would be sent away; it listens on loopback only.
        command.append("--allow-root")
    command += arguments
    # In this process's place, so that JupyterLab itself gets Ctrl-C and asks what it asks.
    os.execve(sys.executable, command, os.environ | _environment(settings))  # noqa: S606 - no shell is wanted


def _environment(settings: Settings) -> dict[str, str]:
    told = {}
    for name, value in settings.model_dump(exclude_unset=True).items():
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        told[f"HOMEBROKER_{name.upper()}"] = text
    told["HOMEBROKER_DATA_DIR"] = str(settings.data_dir.resolve())
    return told
