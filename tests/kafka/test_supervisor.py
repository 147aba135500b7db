"""`homebroker up` as a person meets it: it starts all, heals what dies, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.log import LogReader
from engine.topics import ORDERS
from homebroker.errors import EXIT_CANNOT_START, StartError
from homebroker.pidfile import claim
from homebroker.ports import check_api_port, check_broker_ports, check_dashboard_port
from homebroker.settings import Settings
from homebroker.supervisor.orphans import stop_orphans
from homebroker.supervisor.plan import PART_NAMES
from tests.kafka.running_market import RunningMarket, run_homebroker
from tests.market import (
    Market,
    market_settings,
    run_apart,
    start_part,
    stop_part,
    wait_until,
    wait_until_ready,
)

pytestmark = pytest.mark.kafka


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def assert_ports_are_free(settings: Settings) -> None:
    for check in (check_broker_ports, check_api_port, check_dashboard_port):
        check(settings)


@pytest.fixture(scope="module")
def running(kafka_jars: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMarket]:
    """Start a whole market, embedded broker and all, with little history."""
    settings = market_settings(tmp_path_factory.mktemp("up"), simulator_warmup_hours=0.05, simulator_rate=5.0)
    market = RunningMarket(settings)
    try:
        market.wait_until_open()
        yield market
    finally:
        stop_part(market.process)


def test_all_parts_start_in_order_and_status_says_so(running: RunningMarket) -> None:
    lines = [line.split() for line in running.output().splitlines() if line.startswith("✓")]
    assert [words[1] for words in lines] == list(PART_NAMES)
    settings = running.settings
    assert f"http://127.0.0.1:{settings.dashboard_port}" in running.output()
    assert f"http://127.0.0.1:{settings.api_port}/docs" in running.output()

    # While a fresh market's history comes in, whoever falls behind may say so for a moment.
    wait_until(lambda: running.status().returncode == 0, "all parts are ready at once")
    rows = json.loads(running.status("--json").stdout)
    assert [row["name"] for row in rows] == list(PART_NAMES)
    assert {row["state"] for row in rows} == {"ready"}
    assert {row["name"]: row["pid"] for row in rows} == running.pids()
    assert running.status("--check", "engine").returncode == 0
    assert running.status("--check", "nobody").returncode == EXIT_CANNOT_START


def test_a_second_up_on_the_same_data_is_refused(running: RunningMarket) -> None:
    before = running.pids()
    second = run_homebroker(running.settings, "up")
    assert second.returncode == EXIT_CANNOT_START
    assert f"running already in the data directory {running.settings.data_dir}" in second.stderr
    assert f"(pid {running.process.pid})" in second.stderr
    assert running.pids() == before


def test_a_second_engine_stands_by_and_is_as_good_as_ready(running: RunningMarket, tmp_path: Path) -> None:
    kafka = running.settings.connection.bootstrap_servers
    settings = market_settings(tmp_path, kafka_bootstrap_servers=kafka)
    second = start_part(settings, "engine")
    try:
        wait_until_ready(settings, "engine")
        check = run_homebroker(settings, "status", "--check", "engine")
        assert check.returncode == 0
        assert check.stdout.startswith("engine is standing by: another engine owns the shard")
        assert running.status("--check", "engine").stdout.startswith("engine is ready")
    finally:
        stop_part(second)


@pytest.mark.parametrize("name", PART_NAMES)
def test_a_part_killed_outright_is_started_again(running: RunningMarket, name: str) -> None:
    killed = running.pids()[name]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: running.pids().get(name, killed) != killed, f"{name} has a new process")
    wait_until(lambda: running.status("--check", name).returncode == 0, f"{name} is ready again")
    lines = running.output().splitlines()
    assert [line for line in lines if line.split()[:2] == ["✗", name] and "SIGKILL" in line]
    wait_until(
        lambda: [line for line in running.output().splitlines() if name in line and " back after " in line],
        f"{name} is said to be back",
    )


def test_sigterm_stops_everything(running: RunningMarket) -> None:
    processes = running.descendants()
    assert len(processes) >= len(PART_NAMES)
    assert stop_part(running.process) == 0
    assert [process for process in processes if not is_gone(process)] == []
    assert running.pids() == {}
    assert list((running.settings.data_dir / "run").glob("*.pid")) == []
    assert_ports_are_free(running.settings)
    assert running.status().returncode == 1


def test_what_a_killed_up_leaves_is_dealt_with(market: Market) -> None:
    settings = market.settings.model_copy(update={"simulator": "off"})
    first = RunningMarket(settings)
    first.wait_until_open()
    processes = first.descendants()
    assert len(processes) == len(PART_NAMES) - 2  # Kafka is elsewhere, and nobody is simulated
    assert run_apart(_end_of_orders(market)) > 0  # so `up` opened the market itself
    stop_part(first.process, signal.SIGKILL)

    second = RunningMarket(settings)
    try:
        wait_until(lambda: all(map(is_gone, processes)), "the first market's parts end")
        second.wait_until_open()
        rows = json.loads(second.status("--json").stdout)
        assert {row["name"]: row["state"] for row in rows} == dict.fromkeys(PART_NAMES, "ready") | {
            "simulator": "off"
        }
    finally:
        assert stop_part(second.process) == 0
    assert second.pids() == {}


def test_a_part_that_somebody_started_is_left_alone(tmp_path: Path) -> None:
    settings = market_settings(tmp_path)
    claimed = claim(tmp_path, "engine")
    with pytest.raises(StartError, match=rf"engine is running already .*kill {os.getpid()}"):
        stop_orphans(settings)
    claimed.release()
    assert stop_orphans(settings) == []


def test_a_taken_port_stops_up_before_anything_is_started(tmp_path: Path) -> None:
    settings = market_settings(tmp_path)
    with socket.create_server(("127.0.0.1", settings.dashboard_port)):
        refused = run_homebroker(settings, "up")
    assert refused.returncode == EXIT_CANNOT_START
    assert f"Port {settings.dashboard_port} is taken by process {os.getpid()} (" in refused.stderr
    assert "HOMEBROKER_DASHBOARD_PORT" in refused.stderr
    assert not (tmp_path / "log").exists()


async def _end_of_orders(market: Market) -> int:
    async with LogReader(market.connection) as reader:
        return await reader.end_offset(ORDERS, 0)
