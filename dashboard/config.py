"""What the page needs to know: where the API is and where the page itself is served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from msgspec import Struct

# Not a setting: it carries `demo_users` from the process's start to the page's script.
_DEMO_USERS = "HOMEBROKER_DASHBOARD_DEMO_USERS"


class DemoUser(Struct, frozen=True, kw_only=True):
    """A user whose password everybody may know, because the market is a demo."""

    username: str
    password: str
    role: str


class BadSettingError(ValueError):
    """A setting that cannot be used; the message says which and what to write instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardConfig:
    """Addresses of the API and of the page, and who may sign in to a demo.

    This server reaches the API at `api_url`; browsers do at the page's own host name and `api_port`. Where
    there are demo users, people may register and move play money.
    """

    api_url: str = "http://127.0.0.1:8000"
    api_port: int = 8000
    host: str = "127.0.0.1"
    port: int = 8501
    demo_users: tuple[DemoUser, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> DashboardConfig:
        """Read the settings named HOMEBROKER_…, with their defaults.

        Raises
        ------
        BadSettingError
            When a port is no port, or the API's address is no http address.
        """
        api_port = _port(environment, "HOMEBROKER_API_PORT", default=8000)
        api_url = environment.get("HOMEBROKER_API_URL") or f"http://127.0.0.1:{api_port}"
        if not api_url.startswith(("http://", "https://")):
            raise BadSettingError(
                f"HOMEBROKER_API_URL is {api_url!r}; write it like http://127.0.0.1:{api_port}."
            )
        return cls(
            api_url=api_url,
            api_port=api_port,
            host=environment.get("HOMEBROKER_DASHBOARD_HOST") or "127.0.0.1",
            port=_port(environment, "HOMEBROKER_DASHBOARD_PORT", default=8501),
            demo_users=msgspec.json.decode(environment.get(_DEMO_USERS) or "[]", type=tuple[DemoUser, ...]),
        )

    def environment(self) -> dict[str, str]:
        """Write the settings as the variables that `from_environment` reads."""
        return {
            "HOMEBROKER_API_URL": self.api_url,
            "HOMEBROKER_API_PORT": str(self.api_port),
            "HOMEBROKER_DASHBOARD_HOST": self.host,
            "HOMEBROKER_DASHBOARD_PORT": str(self.port),
            _DEMO_USERS: msgspec.json.encode(self.demo_users).decode(),
        }


def _port(environment: Mapping[str, str], name: str, *, default: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise BadSettingError(f"{name} is {text!r}; write a port from 1 to 65535.")
    return int(text)
