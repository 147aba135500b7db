"""Whether a part really serves: asked of the part itself, not of its process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import httpx

from engine.log import LogError
from homebroker.settings import Settings
from homebroker.status import is_ready, now_ms, read_status
from homebroker.supervisor.topics import topics_made

_HTTP_TIMEOUT_S = 2.0
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - looked up, not bound


class Readiness(NamedTuple):
    """Whether a part is ready, and a sentence about where it stands."""

    is_ready: bool
    detail: str


async def readiness(settings: Settings, name: str) -> Readiness:
    """Ask a part whether it is ready; a part that does not answer is not."""
    return await _CHECKS.get(name, _ask_status_file)(settings, name)


def api_address(settings: Settings) -> str:
    """Give the URL of the API on this machine."""
    return f"http://{_reachable(settings.api_host)}:{settings.api_port}"


def dashboard_address(settings: Settings) -> str:
    """Give the URL of the page on this machine."""
    return f"http://{_reachable(settings.dashboard_host)}:{settings.dashboard_port}"


async def _ask_broker(settings: Settings, _name: str) -> Readiness:
    try:
        missing = await topics_made(settings)
    except LogError as error:
        if settings.embedded_broker:
            return Readiness(False, "Kafka loads")
        return Readiness(False, f"Kafka does not answer at {settings.connection.bootstrap_servers}: {error}")
    if missing:
        return Readiness(False, f"Kafka makes the topics {', '.join(missing)}")
    return Readiness(True, f"Kafka at {settings.connection.bootstrap_servers}")


async def _ask_api(settings: Settings, name: str) -> Readiness:
    if await _answers(f"{api_address(settings)}/ready"):
        return Readiness(True, api_address(settings))
    return _with_status(settings, name, "its /ready does not say yes yet")


async def _ask_dashboard(settings: Settings, name: str) -> Readiness:
    if await _answers(f"{dashboard_address(settings)}/_stcore/health"):
        return Readiness(True, dashboard_address(settings))
    return _with_status(settings, name, "its page does not answer yet")


async def _ask_status_file(settings: Settings, name: str) -> Readiness:
    status = read_status(settings.data_dir, name)
    return Readiness(is_ready(status, now_ms()), status.detail if status else "loading")


_CHECKS: dict[str, Callable[[Settings, str], Awaitable[Readiness]]] = {
    "broker": _ask_broker,
    "api": _ask_api,
    "dashboard": _ask_dashboard,
}


async def _answers(url: str) -> bool:
    try:
        # Not through a proxy that the environment names: this is our own machine.
        async with httpx.AsyncClient(timeout=_HTTP_TIMEOUT_S, trust_env=False) as client:
            return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _with_status(settings: Settings, name: str, otherwise: str) -> Readiness:
    status = read_status(settings.data_dir, name)
    return Readiness(False, status.detail if status and status.detail else otherwise)


def _reachable(host: str) -> str:
    host = _ANY_ADDRESS.get(host, host)
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
