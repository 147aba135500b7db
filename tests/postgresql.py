"""A real PostgreSQL for tests, in a temporary directory on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.market import free_ports


@contextmanager
def running_postgresql(directory: Path) -> Iterator[str]:
    """Run one for as long as the context lasts, or skip; gives its URL for SQLAlchemy."""
    found = shutil.which("pg_ctl", path=os.pathsep.join(_folders()))
    if found is None:
        pytest.skip("PostgreSQL is not installed: install Debian's package postgresql, say")
    programs = Path(found).parent
    data, port = directory / "postgresql", free_ports(1)
    data.mkdir()
    as_owner: list[str] = []
    if os.geteuid() == 0:
        # It refuses to run as root; its package makes a user for it.
        shutil.chown(data, "postgres", "postgres")
        for parent in (directory, *directory.parents):
            if parent.stat().st_uid == 0 and parent.is_relative_to("/tmp"):  # noqa: S108 - pytest's own
                parent.chmod(parent.stat().st_mode | 0o111)
        as_owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def run(program: str, *arguments: str) -> None:
        command = [*as_owner, str(programs / program), "--pgdata", str(data), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode == 0, done.stdout + done.stderr

    run("initdb", "--username=homebroker", "--auth=trust", "--encoding=UTF8", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    run("pg_ctl", "start", "--wait", "--log", str(data / "log"), "--options", options)
    try:
        yield f"postgresql+psycopg://homebroker@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "stop", "--wait", "--mode=immediate")


def _folders() -> list[str]:
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return [*os.environ.get("PATH", "").split(os.pathsep), *map(str, packaged)]
