"""Whether a port is free, and who has it when not."""

from __future__ import annotations

import errno
import socket

import psutil

from homebroker.errors import StartError
from homebroker.settings import Settings

_COMMAND_LENGTH_MAX = 120


def check_port(host: str, port: int, setting: str) -> None:
    """See that a port can be listened on.

    Parameters
    ----------
    setting : str
        The environment variable that would change the port.

    Raises
    ------
    StartError
        When it cannot; names the port, who has it, and the setting.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(found[0], found[1]) as probe:
            # As servers do: a connection that was closed a moment ago is no reason to refuse.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(found[4])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"Port {port} is taken by {port_holder(port)}. Stop that, or set {setting} to another port."
            ) from error
        raise StartError(
            f"Port {port} on {host} cannot be used: {error.strerror}. Set {setting} to another port."
        ) from error


def check_ports_differ(settings: Settings) -> None:
    """See that no two parts are to listen on one port.

    Raises
    ------
    StartError
        When two are; names the port and both settings.
    """
    wanted = [
        (settings.api_port, "HOMEBROKER_API_PORT"),
        (settings.dashboard_port, "HOMEBROKER_DASHBOARD_PORT"),
    ]
    if settings.embedded_broker:
        controller = "HOMEBROKER_KAFKA_PORT (the broker's controller takes the next one)"
        wanted += [(settings.kafka_port, "HOMEBROKER_KAFKA_PORT"), (settings.kafka_port + 1, controller)]
    if settings.metrics_port:
        name = "HOMEBROKER_METRICS_PORT (four parts take this one and the next three)"
        wanted += [(settings.metrics_port + place, name) for place in range(4)]
    taken: dict[int, str] = {}
    for port, setting in wanted:
        if port in taken:
            raise StartError(
                f"Port {port} is asked for by {taken[port]} and by {setting}. Set one of them to another."
            )
        taken[port] = setting


def check_broker_ports(settings: Settings) -> None:
    """See that the embedded broker's two ports are free."""
    check_port("127.0.0.1", settings.kafka_port, "HOMEBROKER_KAFKA_PORT")
    check_port(
        "127.0.0.1",
        settings.kafka_port + 1,
        "HOMEBROKER_KAFKA_PORT (the broker's controller takes the next one)",
    )


def check_api_port(settings: Settings) -> None:
    """See that the API's port is free."""
    check_port(settings.api_host, settings.api_port, "HOMEBROKER_API_PORT")


def check_dashboard_port(settings: Settings) -> None:
    """See that the dashboard's port is free."""
    check_port(settings.dashboard_host, settings.dashboard_port, "HOMEBROKER_DASHBOARD_PORT")


def port_holder(port: int) -> str:
    """Describe the process that listens on a port, as far as this user may know it."""
    try:
        pids = [
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid
        ]
        if pids:
            command = " ".join(psutil.Process(pids[0]).cmdline())
            shortened = (
                command if len(command) <= _COMMAND_LENGTH_MAX else command[:_COMMAND_LENGTH_MAX] + "…"
            )
            return f"process {pids[0]} ({shortened})"
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        pass
    return "a process that this user may not see"


def free_port() -> int:
    """Give a port of loopback that nobody listens on, with odds that the next one is free too."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return min(port, 65_534)
