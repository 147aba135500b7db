"""The name that the engine of a data directory has among all engines, the same at every start."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from homebroker.errors import StartError

_NAME = re.compile(r"[0-9a-f]{16}")


def instance_of(data_dir: Path) -> str:
    """Give a data directory's own random name, which is made when it is first asked for.

    To be called by the one process that has claimed the engine's pid file.

    Raises
    ------
    StartError
        When it cannot be read or written.
    """
    path = data_dir / "instance"
    try:
        if path.exists() and _NAME.fullmatch(kept := path.read_text("ascii", "replace").strip()):
            return kept
        name = secrets.token_hex(8)
        scratch = path.with_suffix(".new")
        scratch.write_text(f"{name}\n", "ascii")
        scratch.replace(path)
    except OSError as error:
        raise StartError(
            f"{path} cannot be used: {error.strerror}. Mend the rights of the directory."
        ) from error
    return name
