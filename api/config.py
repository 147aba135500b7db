"""What the API is told when it starts."""

from __future__ import annotations

from msgspec import Struct
from pydantic import SecretStr

from engine.log import Connection

_NO_NAMES = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what listens on all interfaces is not called so


class ApiConfig(Struct, frozen=True, kw_only=True):
    """Where the API finds the market and who may speak to it.

    `allowed_hosts` are further names that it answers to, besides the loopback ones. An empty `secret_key` is
    a random one: access tokens end with the process. With `demo` there are users whose passwords everybody
    knows, and anybody may register. `streams_per_address` are those of people who are not signed in.
    `trusted_proxies` are believed when they tell on whose behalf they ask.
    """

    connection: Connection
    database_url: str
    host: str = "127.0.0.1"
    port: int = 8000
    dashboard_port: int = 8501
    allowed_hosts: tuple[str, ...] = ()
    secret_key: SecretStr = SecretStr("")
    demo: bool = False
    orders_per_second: float = 100.0
    requests_per_second: float = 50.0
    streams_per_user: int = 100
    streams_per_address: int = 200
    trusted_proxies: tuple[str, ...] = ()

    @property
    def host_names(self) -> frozenset[str]:
        """Give the host names that requests may be addressed to; others may be a DNS rebinding attack."""
        return frozenset({"localhost", "127.0.0.1", "[::1]", self.host, *self.allowed_hosts}) - _NO_NAMES

    @property
    def page_origins(self) -> tuple[str, ...]:
        """Give the origins whose pages may read from and write to the API: the dashboard's and its own.

        A name other than the loopback ones may also be served by a proxy, over https on its usual port.
        """
        names = sorted(self.host_names)
        own = [f"http://{name}:{port}" for port in (self.dashboard_port, self.port) for name in names]
        return (*own, *(f"https://{name}" for name in sorted(self.allowed_hosts)))
