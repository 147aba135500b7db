"""How Kafka is set up and started: one node, KRaft, loopback only, data in the data directory."""

from __future__ import annotations

import base64
import os
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from homebroker.broker.jars import Progress, class_path, default_cache, fetch_jars, locked_jars
from homebroker.broker.java import Java, find_java
from homebroker.broker.memory import flags_to_learn, flags_with, memory_path
from homebroker.errors import StartError

_HOST = "127.0.0.1"
_NODE = 1
_FORMAT_TIMEOUT_S = 120

_LOG4J = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z'}{UTC} %-5p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
"""


class BrokerCommand(NamedTuple):
    """A prepared broker: what to execute."""

    arguments: Sequence[str]

    def execute(self) -> NoReturn:
        """Become the broker: this process's pid is from now on Java's."""
        os.execv(self.arguments[0], list(self.arguments))  # noqa: S606 - no shell is wanted


def prepare_broker(
    *,
    data_dir: Path,
    port: int,
    progress: Progress,
    jar_cache: Path | None = None,
    learn_to: Path | None = None,
) -> BrokerCommand:
    """Bring the jars, write the settings, and format the storage when it is new.

    Parameters
    ----------
    data_dir : Path
        Kafka's log goes to its directory `kafka`, the generated settings to `run`.
    port : int
        Clients connect here; the controller takes the next one. Both on loopback only.
    progress : Progress
        Told of the download of jars, when there is one.
    jar_cache : Path, optional
        Where verified jars are kept; this user's cache directory when absent.
    learn_to : Path, optional
        Where Java is to write what it learned when it ends.

    Raises
    ------
    StartError
        When the broker cannot be started as things are.
    """
    java = find_java()
    jars = fetch_jars(jar_cache or default_cache(), locked_jars(), progress)
    storage = (data_dir / "kafka").resolve()
    run = (data_dir / "run").resolve()
    settings_file, log4j_file = run / "kafka.properties", run / "kafka-log4j2.properties"
    try:
        storage.mkdir(parents=True, exist_ok=True)
        run.mkdir(parents=True, exist_ok=True)
        settings_file.write_text(_properties(server_settings(storage, port)), "utf-8")
        log4j_file.write_text(_LOG4J, "utf-8")
    except OSError as error:
        raise StartError(
            f"{data_dir} cannot be written: {error.strerror}. Free its disk, or set HOMEBROKER_DATA_DIR."
        ) from error
    memory = memory_path(java, jars)
    flags = [*_java_flags(java), f"-Dlog4j2.configurationFile={log4j_file}", "-cp", class_path(jars)]
    usual = [str(java.path), *flags_with(memory if memory is not None and memory.exists() else None), *flags]
    if not (storage / "meta.properties").exists():
        _format_storage(usual, settings_file)
    start = usual if learn_to is None else [str(java.path), *flags_to_learn(learn_to), *flags]
    return BrokerCommand([*start, "kafka.Kafka", str(settings_file)])


def server_settings(storage: Path, port: int) -> Mapping[str, str | int]:
    """Give Kafka's settings where they differ from its own defaults."""
    return {
        "process.roles": "broker,controller",
        "node.id": _NODE,
        # A fixed voter, not one kept in the log, so that the port may change between starts.
        "controller.quorum.voters": f"{_NODE}@{_HOST}:{port + 1}",
        "listeners": f"PLAINTEXT://{_HOST}:{port},CONTROLLER://{_HOST}:{port + 1}",
        "advertised.listeners": f"PLAINTEXT://{_HOST}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(storage),
        "auto.create.topics.enable": "false",
        "log.retention.ms": -1,
        # After kill -9 the newest segment is read again; this bounds how long that takes.
        "log.segment.bytes": 128 * 1024 * 1024,
        "num.recovery.threads.per.data.dir": 2,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        "group.initial.rebalance.delay.ms": 0,
        # A killed broker is let in again only when its earlier self has timed out; the default is 9 s.
        "broker.session.timeout.ms": 3_000,
        "broker.heartbeat.interval.ms": 500,
        # The default takes a quarter of the heap that this broker has.
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 4,
    }


def _java_flags(java: Java) -> list[str]:
    flags = [
        "-Xms128m",
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
    ]
    if java.version >= 24:
        flags.append("--sun-misc-unsafe-memory-access=allow")
    return flags


def _properties(settings: Mapping[str, str | int]) -> str:
    # A backslash escapes in Java's properties, and a path may have one.
    return "".join(f"{name}={str(value).replace(chr(92), chr(92) * 2)}\n" for name, value in settings.items())


def _format_storage(start: Sequence[str], settings_file: Path) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    tool = [
        *start,
        "kafka.tools.StorageTool",
        "format",
        f"--cluster-id={cluster}",
        f"--config={settings_file}",
    ]
    try:
        done = subprocess.run(  # noqa: S603 - our own Java with our own arguments
            tool, capture_output=True, text=True, timeout=_FORMAT_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StartError(f"Java could not prepare Kafka's storage: {error}.") from error
    if done.returncode:
        last_lines = (done.stderr or done.stdout).strip()[-500:]
        raise StartError(
            f"Kafka could not prepare its storage (java ended with {done.returncode}): {last_lines}"
        )
