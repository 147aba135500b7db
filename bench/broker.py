"""A Kafka of the benchmark's own: the embedded broker on free ports, in a folder that goes away."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.log import Connection
from homebroker.broker.server import prepare_broker
from homebroker.screen import download_bar
from homebroker.settings import Settings
from homebroker.supervisor.topics import make_topics_when_up

_START_TIMEOUT_S = 120.0


@contextmanager
def own_broker() -> Iterator[Connection]:
    """Run a broker with the market's topics, empty, for the length of a `with` block."""
    with tempfile.TemporaryDirectory(prefix="homebroker-bench-") as folder:
        settings = Settings(
            _env_file=None, data_dir=Path(folder), kafka_port=free_port(), kafka_bootstrap_servers=""
        )
        with download_bar("Kafka") as progress:
            command = prepare_broker(data_dir=settings.data_dir, port=settings.kafka_port, progress=progress)
        broker = subprocess.Popen(  # noqa: S603 - our own Java with our own arguments
            command.arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            make_topics_when_up(settings, wait_s=_START_TIMEOUT_S)
            yield settings.connection
        finally:
            broker.terminate()
            broker.wait()


def free_port() -> int:
    """Give a port that nobody listens on."""
    # The controller takes the next port; odds are that it is free too.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return min(port, 65_534)
