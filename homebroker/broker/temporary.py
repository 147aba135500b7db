"""A Kafka that lives as long as a `with` block, on free ports."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

from homebroker.broker.server import prepare_broker
from homebroker.ports import free_port
from homebroker.screen import download_bar
from homebroker.settings import Settings
from homebroker.supervisor.topics import make_topics_when_up

_START_TIMEOUT_S: Final = 120.0


@contextmanager
def temporary_broker(*, kept: Path | None = None, learn_to: Path | None = None) -> Iterator[Settings]:
    """Run a broker with the market's topics, empty at first.

    Parameters
    ----------
    kept : Path, optional
        A folder that stays, with what the topics hold; one that goes away when absent.
    learn_to : Path, optional
        Where Java is to write what it learned when it ends.

    Yields
    ------
    Settings
        Those of parts that are to use it; `broker_pid` tells its process.

    Raises
    ------
    StartError
        When it cannot be started, or does not answer in time.
    """
    with nullcontext(kept) if kept else tempfile.TemporaryDirectory(prefix="homebroker-broker-") as folder:
        settings = Settings(
            _env_file=None,
            data_dir=Path(folder),
            kafka_port=free_port(),
            kafka_bootstrap_servers="",
            kafka_security_protocol="PLAINTEXT",
        )
        with download_bar("Kafka") as progress:
            command = prepare_broker(
                data_dir=settings.data_dir, port=settings.kafka_port, progress=progress, learn_to=learn_to
            )
        broker = subprocess.Popen(  # noqa: S603 - our own Java with our own arguments
            command.arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _pid_file(settings).write_text(str(broker.pid))
            make_topics_when_up(settings, wait_s=_START_TIMEOUT_S)
            yield settings
            broker.terminate()
        except BaseException:
            # Who was interrupted, or failed, waits for nothing that it would yet write.
            broker.kill()
            raise
        finally:
            broker.wait()


def broker_pid(settings: Settings) -> int:
    """Give the process id of the broker that these settings are of."""
    return int(_pid_file(settings).read_text())


def _pid_file(settings: Settings) -> Path:
    return settings.data_dir / "temporary-broker.pid"
