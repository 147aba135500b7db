"""A part as a process: its pid file, its status, how it is told to stop, and what happens when it breaks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from engine.progress import State
from homebroker import pidfile
from homebroker.errors import StartError
from homebroker.pidfile import claim, holder, pid_path
from homebroker.process import PARENT_VARIABLE
from homebroker.settings import Settings
from homebroker.status import STALE_MS, PartStatus, is_ready, read_status, status_path, write_status
from tests.market import environment_of, free_ports, market_settings, stop_part, wait_until

_PART = """
import asyncio, sys
from engine.progress import State
from homebroker.process import run_part
from homebroker.settings import Settings

async def part(report):
    report(State.STARTING, "reading")
    {body}

run_part("engine", Settings(), part)
"""
_WAIT = "report(State.READY, 'all read'); await asyncio.Event().wait()"
_STUBBORN = """
    report(State.READY, 'all read')
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            report(State.RETRYING, 'not yet')
"""


class Starter:
    """Starts parts and ends what a test left running."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.started: list[subprocess.Popen[str]] = []

    def __call__(self, body: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _PART.format(body=body)],
            cwd=self.settings.data_dir,
            env=environment_of(self.settings, **environment),
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def wait_for(self, state: State) -> None:
        def reached() -> bool:
            status = read_status(self.settings.data_dir, "engine")
            return status is not None and status.state == state

        wait_until(reached, f"the part is {state}")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    starter = Starter(market_settings(tmp_path))
    yield starter
    for process in starter.started:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_part_says_where_it_stands_and_stops_when_told(start: Starter, number: int) -> None:
    process = start(_WAIT)
    start.wait_for(State.READY)
    status = read_status(start.settings.data_dir, "engine")
    assert status is not None
    assert (status.pid, status.detail) == (process.pid, "all read")
    assert holder(start.settings.data_dir, "engine") == process.pid
    assert pid_path(start.settings.data_dir, "engine").read_text().strip() == str(process.pid)

    assert stop_part(process, number) == 0
    assert holder(start.settings.data_dir, "engine") is None
    assert not pid_path(start.settings.data_dir, "engine").exists()
    assert not status_path(start.settings.data_dir, "engine").exists()


def test_what_a_part_is_made_of_is_not_looked_through_again_once_it_is_ready(start: Starter) -> None:
    count = "import gc; print(gc.get_freeze_count(), file=sys.stderr)"
    process = start(f"{count}; report(State.READY, 'all read'); {count}")
    _, told = process.communicate(timeout=30)
    before, after = (int(line) for line in told.splitlines() if line.isdigit())
    assert before == 0
    assert after > 10_000


def test_a_second_signal_ends_a_part_that_does_not_stop(start: Starter) -> None:
    process = start(_STUBBORN)
    start.wait_for(State.READY)
    process.send_signal(signal.SIGTERM)
    start.wait_for(State.RETRYING)
    assert stop_part(process) == -signal.SIGTERM


def test_a_part_runs_once_in_a_data_directory(start: Starter) -> None:
    first = start(_WAIT)
    start.wait_for(State.READY)
    second = start(_WAIT)
    _output, told = second.communicate()
    assert second.returncode != 0
    assert (
        f"engine is running already in the data directory {start.settings.data_dir} (pid {first.pid})" in told
    )
    assert stop_part(first) == 0


def test_what_a_killed_part_left_blocks_nobody(start: Starter) -> None:
    killed = start(_WAIT)
    start.wait_for(State.READY)
    stop_part(killed, signal.SIGKILL)
    assert pid_path(start.settings.data_dir, "engine").exists()
    assert holder(start.settings.data_dir, "engine") is None
    assert read_status(start.settings.data_dir, "engine") is None

    process = start(_WAIT)
    start.wait_for(State.READY)
    assert holder(start.settings.data_dir, "engine") == process.pid


def test_prometheus_reads_a_part_on_its_port_and_a_taken_one_is_said(start: Starter) -> None:
    port = free_ports(1)
    process = start(_WAIT, HOMEBROKER_METRICS_PORT=str(port))
    start.wait_for(State.READY)
    told = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert 'homebroker_state{homebroker_state="ready",part="engine"} 1.0' in told
    assert stop_part(process) == 0
    with socket.create_server(("127.0.0.1", port)):
        _output, said = start(_WAIT, HOMEBROKER_METRICS_PORT=str(port)).communicate()
    assert f"metrics cannot be served on port {port}" in said


def test_a_part_that_breaks_says_why_and_fails(start: Starter) -> None:
    process = start("raise RuntimeError('the book is inconsistent')")
    _output, told = process.communicate()
    assert process.returncode == 1
    assert "RuntimeError: the book is inconsistent" in told


def test_the_log_has_utc_times_and_the_part_s_name(start: Starter) -> None:
    process = start(f"import structlog; structlog.get_logger('engine').info('matched', orders=3); {_WAIT}")
    start.wait_for(State.READY)
    process.terminate()
    _output, told = process.communicate()
    line = next(line for line in told.splitlines() if "matched" in line)
    assert line.startswith("timestamp='20")
    assert "Z' level='info' event='matched' orders=3" in line
    assert "part='engine'" in line


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells a child of its parent's end"
)
def test_a_part_stops_when_the_up_that_started_it_is_killed(start: Starter, tmp_path: Path) -> None:
    child_file = tmp_path / "child"
    body = f"import subprocess, pathlib; {_WAIT}"
    parent_code = (
        "import os, subprocess, sys, time\n"
        f"os.environ[{PARENT_VARIABLE!r}] = str(os.getpid())\n"
        "child = subprocess.Popen([sys.executable, '-c', sys.argv[1]], start_new_session=True)\n"
        "open(sys.argv[2], 'w').write(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", parent_code, _PART.format(body=body), str(child_file)],
        cwd=start.settings.data_dir,
        env=environment_of(start.settings),
    )
    start.wait_for(State.READY)
    child = psutil.Process(int(child_file.read_text()))
    parent.kill()
    parent.wait()
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the part ends")
    assert holder(start.settings.data_dir, "engine") is None


def test_a_data_directory_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    in_the_way = tmp_path / "market"
    in_the_way.write_text("a file where the directory should be")
    with pytest.raises(StartError, match=r"data directory .*market cannot be written: .*HOMEBROKER_DATA_DIR"):
        claim(in_the_way, "engine")


def test_a_name_can_be_claimed_again_after_its_release(tmp_path: Path) -> None:
    first = claim(tmp_path, "engine")
    assert holder(tmp_path, "engine") == os.getpid()
    with pytest.raises(StartError, match="running already"):
        claim(tmp_path, "engine")
    claim(tmp_path, "recorder").release()
    first.release()
    assert holder(tmp_path, "engine") is None
    claim(tmp_path, "engine").release()


@pytest.mark.parametrize("text", [b"", b"{", b'{"pid":1}', b"\xff\xfe"])
def test_a_status_file_that_cannot_be_read_is_none(tmp_path: Path, text: bytes) -> None:
    claimed = claim(tmp_path, "engine")
    status_path(tmp_path, "engine").write_bytes(text)
    assert read_status(tmp_path, "engine") is None
    claimed.release()


@pytest.mark.parametrize(
    ("state", "age_ms", "expected"),
    [
        (State.READY, 0, True),
        (State.READY, STALE_MS - 1, True),
        (State.READY, STALE_MS, False),
        (State.RETRYING, 0, False),
        (State.STARTING, 0, False),
    ],
)
def test_ready_means_said_so_and_lately(state: State, age_ms: int, expected: bool) -> None:
    status = PartStatus(pid=1, state=state, detail="", time_ms=1_000_000)
    assert is_ready(status, 1_000_000 + age_ms) is expected
    assert not is_ready(None, 0)


def test_a_status_of_another_process_does_not_count(tmp_path: Path) -> None:
    claimed = claim(tmp_path, "engine")

    def write(pid: int) -> None:
        status = PartStatus(pid=pid, state=State.READY, detail="", time_ms=0)
        write_status(tmp_path, "engine", status)

    write(os.getpid() + 1)
    assert read_status(tmp_path, "engine") is None
    write(os.getpid())
    assert read_status(tmp_path, "engine") is not None
    claimed.release()


def test_a_pid_file_removed_while_it_was_being_claimed_is_not_the_one_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = pidfile._lock

    def lock_what_its_owner_removes(descriptor: int, kind: int) -> bool:
        monkeypatch.setattr(pidfile, "_lock", lock)
        pid_path(tmp_path, "engine").unlink()
        return lock(descriptor, kind)

    monkeypatch.setattr(pidfile, "_lock", lock_what_its_owner_removes)
    claimed = claim(tmp_path, "engine")
    assert holder(tmp_path, "engine") == os.getpid()
    with pytest.raises(StartError, match="running already"):
        claim(tmp_path, "engine")
    claimed.release()
