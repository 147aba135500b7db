"""A Kafka of the benchmark's own: the embedded broker on free ports, in a folder that goes away."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from homebroker.broker.server import prepare_broker
from homebroker.screen import download_bar
from homebroker.settings import Settings
from homebroker.supervisor.topics import make_topics_when_up

_START_TIMEOUT_S = 120.0


@contextmanager
def own_broker(kept: Path | None = None) -> Iterator[Settings]:
    """Run a broker with the market's topics, empty, for the length of a `with` block.

    Parameters
    ----------
    kept : Path, optional
        A folder that stays, with what the topics hold; without it one that goes away.

    Yields
    ------
    Settings
        Those of parts that are to use it; `broker_pid` tells its process.
    """
    with nullcontext(kept) if kept else tempfile.TemporaryDirectory(prefix="homebroker-bench-") as folder:
        settings = Settings(
            _env_file=None, data_dir=Path(folder), kafka_port=free_port(), kafka_bootstrap_servers=""
        )
        with download_bar("Kafka") as progress:
            command = prepare_broker(data_dir=settings.data_dir, port=settings.kafka_port, progress=progress)
        broker = subprocess.Popen(  # noqa: S603 - our own Java with our own arguments
            command.arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _pid_file(settings).write_text(str(broker.pid))
            make_topics_when_up(settings, wait_s=_START_TIMEOUT_S)
            yield settings
        finally:
            broker.terminate()
            broker.wait()


def broker_pid(settings: Settings) -> int:
    """Give the process id of the broker that these settings are of."""
    return int(_pid_file(settings).read_text())


def environment_of(settings: Settings) -> dict[str, str]:
    """Give the environment of a process that is to use these settings' broker and data directory."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOMEBROKER_")}
    return inherited | {
        "HOMEBROKER_DATA_DIR": str(settings.data_dir),
        "HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS": "",
        "HOMEBROKER_KAFKA_PORT": str(settings.kafka_port),
        "HOMEBROKER_API_PORT": str(settings.api_port),
        "HOMEBROKER_STREAMS_PER_ADDRESS": str(settings.streams_per_address),
        "HOMEBROKER_DATABASE_URL": settings.database_url,
    }


def free_port() -> int:
    """Give a port that nobody listens on."""
    # The controller takes the next port; odds are that it is free too.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return min(port, 65_534)


def _pid_file(settings: Settings) -> Path:
    return settings.data_dir / "bench-broker.pid"
