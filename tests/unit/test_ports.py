"""A taken port is told of with its number, who has it, and what to set."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from homebroker.errors import StartError
from homebroker.ports import (
    check_api_port,
    check_broker_ports,
    check_dashboard_port,
    check_port,
    check_ports_differ,
    port_holder,
)
from homebroker.settings import Settings
from tests.market import market_settings


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_free_port_is_no_trouble_just_after_it_was_used(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)) as client:
        server_end, _address = listening.accept()
        server_end.close()  # this side goes to TIME_WAIT
        assert client.recv(1) == b""
    listening.close()
    check_port("127.0.0.1", port, "HOMEBROKER_API_PORT")


@pytest.mark.parametrize(
    ("ports", "told"),
    [
        (
            {"api_port": 8_501},
            "Port 8501 is asked for by HOMEBROKER_API_PORT and by HOMEBROKER_DASHBOARD_PORT",
        ),
        (
            {"kafka_port": 7_999},
            "Port 8000 is asked for by HOMEBROKER_API_PORT and by HOMEBROKER_KAFKA_PORT (the",
        ),
        (
            {"metrics_port": 8_498},
            "Port 8501 is asked for by HOMEBROKER_DASHBOARD_PORT and by HOMEBROKER_METRICS_P",
        ),
    ],
)
def test_two_parts_on_one_port_are_told_of_before_anything_starts(ports: dict[str, int], told: str) -> None:
    with pytest.raises(StartError, match=re.escape(told)):
        check_ports_differ(Settings.model_validate(ports))
    check_ports_differ(Settings())
    check_ports_differ(Settings(kafka_bootstrap_servers="kafka:9092", kafka_port=8_000))


def test_a_taken_port_names_port_holder_and_setting(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    with pytest.raises(StartError) as refused:
        check_port("127.0.0.1", port, "HOMEBROKER_API_PORT")
    for part in (f"Port {port} ", f"process {os.getpid()} (", "HOMEBROKER_API_PORT"):
        assert part in str(refused.value)


def test_a_holder_that_may_not_be_seen_is_said_so(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_kind: str) -> list[object]:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    assert port_holder(listening.getsockname()[1]) == "a process that this user may not see"


def test_an_address_that_is_not_ours_is_a_sentence() -> None:
    with pytest.raises(StartError, match=r"Port 8000 on 192\.0\.2\.1 cannot be used: .*HOMEBROKER_API_PORT"):
        check_port("192.0.2.1", 8000, "HOMEBROKER_API_PORT")


def test_each_part_looks_at_its_own_ports(listening: socket.socket, tmp_path: Path) -> None:
    port = listening.getsockname()[1]
    with pytest.raises(StartError, match="HOMEBROKER_KAFKA_PORT"):
        check_broker_ports(market_settings(tmp_path, kafka_port=port))
    with pytest.raises(StartError, match="controller"):
        check_broker_ports(market_settings(tmp_path, kafka_port=port - 1))
    with pytest.raises(StartError, match="HOMEBROKER_API_PORT"):
        check_api_port(market_settings(tmp_path, api_port=port))
    with pytest.raises(StartError, match="HOMEBROKER_DASHBOARD_PORT"):
        check_dashboard_port(market_settings(tmp_path, dashboard_port=port))
