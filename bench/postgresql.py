"""A PostgreSQL of the benchmark's own, or of a test's: in a folder that goes away, on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class NoPostgresqlError(Exception):
    """There is none on this machine."""


class Postgresql:
    """A server, which can be stopped at once and started again; `url` is for SQLAlchemy."""

    def __init__(self, url: str, start: Callable[[], None], run: Callable[..., None]) -> None:
        self.url = url
        self._start = start
        self._run = run
        self._runs = False

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._start()
        self._runs = True

    def stop(self) -> None:
        """Stop it as a power cut would, if it runs."""
        if self._runs:
            self._run("pg_ctl", "stop", "--wait", "--mode=immediate")
            self._runs = False


@contextmanager
def own_postgresql(port: int, *, flushed: bool = True) -> Iterator[str]:
    """Run one for as long as the context lasts; gives its URL for SQLAlchemy. As `postgresql_server`."""
    with postgresql_server(port, flushed=flushed) as server:
        yield server.url


@contextmanager
def postgresql_server(port: int, *, flushed: bool = True) -> Iterator[Postgresql]:
    """Run one for as long as the context lasts.

    Parameters
    ----------
    port : int
        A free one on loopback.
    flushed : bool
        Whether it puts commits on the disk, as one does that is to be relied on.

    Raises
    ------
    NoPostgresqlError
        When it is not installed.
    """
    found = shutil.which("pg_ctl", path=os.pathsep.join(_folders()))
    if found is None:
        raise NoPostgresqlError("PostgreSQL is not installed: install Debian's package postgresql, say")
    programs = Path(found).parent
    folder = Path(tempfile.mkdtemp(prefix="homebroker-postgresql-"))
    data = folder / "data"
    data.mkdir()
    as_owner: list[str] = []
    if os.geteuid() == 0:
        # It refuses to run as root; its package makes a user for it.
        folder.chmod(0o755)
        shutil.chown(data, "postgres", "postgres")
        as_owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def run(program: str, *arguments: str) -> None:
        command = [*as_owner, str(programs / program), "--pgdata", str(data), *arguments]
        done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
            command, capture_output=True, text=True, check=False, cwd="/"
        )
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        run("initdb", "--username=homebroker", "--auth=trust", "--encoding=UTF8", "--no-sync")
        fsync = "on" if flushed else "off"
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync={fsync}"
        start = ("pg_ctl", "start", "--wait", "--log", str(data / "log"), "--options", options)
        server = Postgresql(
            f"postgresql+psycopg://homebroker@127.0.0.1:{port}/postgres", lambda: run(*start), run
        )
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folders() -> list[str]:
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return [*os.environ.get("PATH", "").split(os.pathsep), *map(str, packaged)]
