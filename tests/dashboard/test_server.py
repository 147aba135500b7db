"""The page's server as a process."""

import signal
import socket
from pathlib import Path

import httpx
import pytest

from dashboard import assets, server
from dashboard.config import DashboardConfig
from tests.market import market_settings, start_part, stop_part, wait_until_ready


def test_it_serves_without_the_api_and_ends_when_told(tmp_path: Path) -> None:
    settings = market_settings(tmp_path)
    process = start_part(settings, "dashboard")
    try:
        wait_until_ready(settings, "dashboard")
        with httpx.Client(base_url=f"http://127.0.0.1:{settings.dashboard_port}", trust_env=False) as browser:
            assert browser.get("/_stcore/health").text == "ok"
            assert "<title>" in browser.get("/").text
            script = browser.get(assets.plotly_url(), headers={"accept-encoding": "gzip"})
            assert script.headers["content-encoding"] == "gzip"
            assert b"Plotly" in script.content
    finally:
        code = stop_part(process, signal.SIGTERM)
    assert code == 0


async def test_a_taken_port_is_named(unused_tcp_port: int) -> None:
    with (
        socket.create_server(("127.0.0.1", unused_tcp_port)),
        pytest.raises(OSError, match=f"127.0.0.1:{unused_tcp_port}; set HOMEBROKER_DASHBOARD_PORT"),
    ):
        await server.run(DashboardConfig(port=unused_tcp_port), report=lambda _state, _detail: None)
