"""Serves the page: Streamlit as an ASGI application, with the browser's own files beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn
from streamlit import config as streamlit_config
from streamlit.starlette import App

from dashboard import assets
from dashboard.config import DashboardConfig

SCRIPT: Final = Path(__file__).parent / "app.py"
REPORT_PERIOD_S: Final = 1.0
STOP_GRACE_S: Final = 3

STREAMLIT_OPTIONS: Final[dict[str, Any]] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "logger.hideWelcomeMessage": True,
    "runner.magicEnabled": False,
    # A full collection after every run was 71% of this process's CPU samples; the usual collector is enough.
    "runner.postScriptGC": False,
    "server.fileWatcherType": "none",
    "server.headless": True,
    # Both, and no base: the page is dark or light as the person's browser prefers.
    "theme.dark.backgroundColor": "#0b0e13",
    "theme.dark.secondaryBackgroundColor": "#171c25",
    "theme.dark.textColor": "#d5dae3",
    "theme.dark.primaryColor": "#3d7eff",
    "theme.dark.borderColor": "#252c38",
    "theme.dark.greenColor": "#21b685",
    "theme.dark.redColor": "#f4566b",
    "theme.light.backgroundColor": "#f4f6f9",
    "theme.light.secondaryBackgroundColor": "#ffffff",
    "theme.light.textColor": "#1c2430",
    "theme.light.primaryColor": "#2563eb",
    "theme.light.borderColor": "#d3d9e3",
    "theme.light.greenColor": "#08724e",
    "theme.light.redColor": "#c0243c",
    "theme.baseRadius": "4px",
    "theme.baseFontSize": 13,
}

Report = Callable[[str, str], None]
"""Told `starting` or `ready` and a sentence, again about every second."""

_log = structlog.get_logger(__name__)


async def run(config: DashboardConfig, *, report: Report) -> None:
    """Serve the page until this task is cancelled.

    Parameters
    ----------
    config : DashboardConfig
        Where to listen and where the API is. It is written to this process's environment, where the
        page's script, which Streamlit runs, reads it.
    report : Report
        Told where this part stands.

    Raises
    ------
    OSError
        When the port cannot be had.
    """
    report("starting", "preparing the page")
    listener = _listen(config)
    os.environ.update(config.environment())
    files = await asyncio.to_thread(assets.load)
    for name, value in STREAMLIT_OPTIONS.items():
        streamlit_config.set_option(name, value)
    server = _Server(
        uvicorn.Config(
            App(SCRIPT, routes=[assets.route(files)]),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_GRACE_S,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await _report_until_done(serving, server, config, report)
    finally:
        server.should_exit = True
        # An open page's web socket must not keep the process: uvicorn closes it after the grace period.
        await asyncio.wait({serving})
        _log.info("page stopped")


async def _report_until_done(
    serving: asyncio.Task[None], server: _Server, config: DashboardConfig, report: Report
) -> None:
    while not serving.done():
        if server.started:
            report("ready", f"the page is at {url(config)}")
        await asyncio.wait({serving}, timeout=REPORT_PERIOD_S if server.started else 0.05)
    serving.result()
    raise RuntimeError("the page's server ended by itself")


def _listen(config: DashboardConfig) -> socket.socket:
    # uvicorn would end the process over a taken port instead of raising.
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family)
    except OSError as error:
        where = f"{config.host}:{config.port}"
        raise OSError(
            error.errno, f"The page cannot listen on {where}; set HOMEBROKER_DASHBOARD_PORT to another."
        ) from error


def url(config: DashboardConfig) -> str:
    """Give the address for the browser's address line."""
    host = "localhost" if config.host in {"127.0.0.1", "0.0.0.0", "::1", "::"} else config.host  # noqa: S104 - only compared
    return f"http://{host}:{config.port}"


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs this process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
