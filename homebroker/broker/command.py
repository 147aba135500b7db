"""The command `homebroker broker`: this process prepares everything, then becomes Kafka."""

from __future__ import annotations

from typing import NoReturn

from homebroker.broker.server import prepare_broker
from homebroker.errors import StartError
from homebroker.pidfile import claim
from homebroker.ports import check_broker_ports
from homebroker.process import stop_with_parent
from homebroker.screen import download_bar
from homebroker.settings import Settings


def become_broker(settings: Settings) -> NoReturn:
    """Start the embedded broker in this process's place, so that the pid file's pid is Kafka's.

    Raises
    ------
    StartError
        When it runs already in this data directory, a port is taken, or something cannot be had.
    """
    if not settings.embedded_broker:
        raise StartError(
            f"HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS names {settings.kafka_bootstrap_servers}, "
            "so there is no broker to start. Unset it to run the embedded one."
        )
    stop_with_parent()
    pid_file = claim(settings.data_dir, "broker")
    check_broker_ports(settings)
    with download_bar("Kafka") as progress:
        command = prepare_broker(data_dir=settings.data_dir, port=settings.kafka_port, progress=progress)
    pid_file.keep_over_exec()
    command.execute()
