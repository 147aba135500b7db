"""Whether others than this machine can reach the market, and what must not be so then."""

from __future__ import annotations

import ipaddress

from homebroker.errors import StartError
from homebroker.settings import Settings


def check_demo_exposure(settings: Settings) -> None:
    """See that users whose passwords everybody knows are only for this machine.

    Raises
    ------
    StartError
        When the page or the API listens for others and the demo is on.
    """
    exposed = _exposed(settings)
    if exposed and settings.demo == "on":
        raise StartError(
            f"{exposed} lets others reach this market, and everybody knows the demo's passwords. "
            "Set HOMEBROKER_DEMO=off and make users with `homebroker users add`, or listen on 127.0.0.1."
        )


def check_api_exposure(settings: Settings) -> None:
    """See, besides the demo, that what signs tokens was chosen on purpose where others can reach the API.

    Raises
    ------
    StartError
        When it was not.
    """
    check_demo_exposure(settings)
    exposed = _exposed(settings)
    if exposed and not settings.secret_key.get_secret_value():
        raise StartError(
            f"{exposed} lets others reach this market, so the key that signs tokens must be yours: set "
            "HOMEBROKER_SECRET_KEY, the same for every API process. `openssl rand -hex 32` makes one."
        )


def _exposed(settings: Settings) -> str:
    hosts = {
        "HOMEBROKER_API_HOST": settings.api_host,
        "HOMEBROKER_DASHBOARD_HOST": settings.dashboard_host,
    }
    return " and ".join(f"{name}={host}" for name, host in hosts.items() if not _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
