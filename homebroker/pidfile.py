"""Which process of ours runs in a data directory: `run/NAME.pid`, locked as long as that process lives."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from homebroker.errors import StartError

_ATTEMPTS = 10
_PAUSE_S = 0.05


class PidFile:
    """A claim on a name; the kernel drops it with the process, however that ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def write_pid(self) -> None:
        """Write this process's pid; a claim that cannot be written is given back."""
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            self.release()
            raise

    def keep_over_exec(self) -> None:
        """Let the claim pass to the program that this process becomes."""
        os.set_inheritable(self._descriptor, True)

    def release(self) -> None:
        """Give the name back and remove the file."""
        # While still locked, so that nobody's newer file is removed.
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def pid_path(data_dir: Path, name: str) -> Path:
    """Give the path of a process's pid file."""
    return data_dir / "run" / f"{name}.pid"


def claim(data_dir: Path, name: str) -> PidFile:
    """Take a name in a data directory and write this process's pid there.

    Raises
    ------
    StartError
        When a live process has it, or the directory cannot be written.
    """
    path = pid_path(data_dir, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pid_file = _take(path)
        if pid_file is not None:
            pid_file.write_pid()
            return pid_file
    except OSError as error:
        raise StartError(
            f"The data directory {data_dir} cannot be written: {error.strerror}. "
            "Free its disk or mend its rights, or set HOMEBROKER_DATA_DIR to another."
        ) from error
    raise StartError(
        f"homebroker {name} is running already in the data directory {data_dir} "
        f"(pid {_read_pid(path) or 'unknown'}). "
        "Stop that one first, or set HOMEBROKER_DATA_DIR to another directory."
    )


def forget(data_dir: Path, name: str) -> None:
    """Remove the pid file of a process that has ended and could not do so itself."""
    with suppress(OSError):
        pid_file = _take(pid_path(data_dir, name))
        if pid_file is not None:
            pid_file.release()


def holder(data_dir: Path, name: str) -> int | None:
    """Give the pid of the live process that has a name, or None. A stale file counts for nothing."""
    path = pid_path(data_dir, name)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return None if _lock(descriptor, fcntl.LOCK_SH) else _read_pid(path)
    finally:
        os.close(descriptor)


def _take(path: Path) -> PidFile | None:
    for _attempt in range(_ATTEMPTS):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if _lock(descriptor, fcntl.LOCK_EX) and _is_at(path, descriptor):
            return PidFile(path, descriptor)
        os.close(descriptor)
        # Somebody may only be looking, see `holder`.
        time.sleep(_PAUSE_S)
    return None


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _read_pid(path: Path) -> int | None:
    try:
        text = path.read_text("ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return int(text) if text.isdigit() else None
