"""The embedded broker: what it keeps, what it refuses, and what it listens on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.log import Connection, LogReader, LogWriter, NewRecord, missing_topics
from engine.topics import ORDERS
from homebroker.broker.jars import default_cache
from homebroker.broker.rehearsal import rehearse
from homebroker.errors import EXIT_CANNOT_START, StartError
from homebroker.pidfile import holder, pid_path
from tests.market import RunningBroker, environment_of, free_ports, market_settings, start_part

pytestmark = pytest.mark.kafka

_RECORDS = 2_000


@pytest.fixture(scope="module")
def own_broker(kafka_jars: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """Run a broker that tests may kill."""
    running = RunningBroker(tmp_path_factory.mktemp("own"))
    yield running
    running.stop()


async def append_numbers(connection: Connection, first: int, count: int) -> None:
    async with LogWriter(connection) as writer:
        await writer.append_all(
            ORDERS, [NewRecord(b"ana", str(number).encode()) for number in range(first, first + count)]
        )


async def read_numbers(connection: Connection) -> list[int]:
    numbers: list[int] = []
    async with LogReader(connection) as reader:
        end = await reader.end_offset(ORDERS, 0)
        reader.start({(ORDERS, 0): 0})
        while len(numbers) < end:
            numbers += [int(record.value or b"-1") for record in await reader.read(wait_ms=1_000)]
    return numbers


@pytest.mark.parametrize("time", [1, 2])
async def test_a_fresh_market_is_empty(connection: Connection, time: int) -> None:
    async with LogWriter(connection) as writer, LogReader(connection) as reader:
        assert await writer.append(ORDERS, NewRecord(b"ana", b"{}")) == 0
        assert await reader.end_offset(ORDERS, 0) == 1


async def test_every_acknowledged_record_survives_kill_9(own_broker: RunningBroker) -> None:
    await append_numbers(own_broker.connection, 0, _RECORDS)
    own_broker.kill()
    own_broker.start()
    assert await read_numbers(own_broker.connection) == list(range(_RECORDS))

    await append_numbers(own_broker.connection, _RECORDS, 10)
    own_broker.stop()
    own_broker.settings = market_settings(own_broker.settings.data_dir)  # other ports, the same log
    own_broker.start()
    assert await read_numbers(own_broker.connection) == list(range(_RECORDS + 10))


def test_it_listens_on_loopback_on_its_two_ports_only(broker: RunningBroker) -> None:
    listening = {
        (connection.laddr[0].removeprefix("::ffff:"), connection.laddr[1])
        for connection in psutil.Process(broker.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    port = broker.settings.kafka_port
    assert listening == {("127.0.0.1", port), ("127.0.0.1", port + 1)}


def test_its_pid_file_names_java(broker: RunningBroker) -> None:
    assert holder(broker.settings.data_dir, "broker") == broker.pid
    assert pid_path(broker.settings.data_dir, "broker").read_text().strip() == str(broker.pid)
    assert psutil.Process(broker.pid).name() == "java"


async def test_a_topic_is_never_made_by_asking_for_it(connection: Connection) -> None:
    assert await missing_topics(connection, ["order_book"]) == {"order_book"}
    async with LogReader(connection) as reader:
        reader.start({("order_book", 0): 0})
        assert await reader.read(wait_ms=500) == []
    assert await missing_topics(connection, ["order_book"]) == {"order_book"}


def test_java_accepts_what_a_rehearsal_taught_it(broker: RunningBroker) -> None:
    command = psutil.Process(broker.pid).cmdline()
    if not any(flag.startswith("-XX:AOTCache=") for flag in command):
        pytest.skip("there is no memory of a rehearsal: run `homebroker prepare`, with Java 25 or newer")
    class_path = command.index("-cp")
    # With this mode Java ends where it would otherwise go on without.
    strict = [*command[:class_path], "-XX:AOTMode=on", *command[class_path : class_path + 2], "kafka.Kafka"]
    told = subprocess.run(strict, capture_output=True, text=True, check=False)
    assert "USAGE: java [options] kafka.Kafka" in told.stdout + told.stderr


def test_a_rehearsal_that_cannot_be_kept_is_a_sentence(kafka_jars: None, tmp_path: Path) -> None:
    (tmp_path / "jars").symlink_to(default_cache())
    (tmp_path / "rehearsals").touch()
    with pytest.raises(StartError, match=r"Kafka's rehearsal failed .* try again: homebroker prepare"):
        rehearse(lambda _here, _all: None, jar_cache=tmp_path / "jars")


def test_a_second_broker_on_the_same_data_is_refused(broker: RunningBroker) -> None:
    second = start_part(market_settings(broker.settings.data_dir, kafka_port=free_ports(2)), "broker")
    assert second.wait() == EXIT_CANNOT_START
    log = (broker.settings.data_dir / "log" / "broker.log").read_text()
    assert (
        f"broker is running already in the data directory {broker.settings.data_dir} (pid {broker.pid})"
        in log
    )
    assert psutil.pid_exists(broker.pid)


def test_a_taken_port_is_named_with_who_has_it(broker: RunningBroker, tmp_path: Path) -> None:
    settings = market_settings(tmp_path, kafka_port=broker.settings.kafka_port)
    told = run_command(environment_of(settings), tmp_path, "broker")
    assert f"Port {settings.kafka_port} is taken by process {broker.pid} (" in told
    assert "set HOMEBROKER_KAFKA_PORT to another port" in told


def test_no_broker_is_started_beside_one_elsewhere(tmp_path: Path) -> None:
    settings = market_settings(tmp_path, kafka_bootstrap_servers="kafka.example:9092")
    told = run_command(environment_of(settings), tmp_path, "broker")
    assert "HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS names kafka.example:9092" in told


def test_topics_says_when_no_kafka_answers(tmp_path: Path) -> None:
    settings = market_settings(tmp_path)
    told = run_command(environment_of(settings), tmp_path, "topics", "--wait", "0")
    assert f"Kafka at 127.0.0.1:{settings.kafka_port} does not answer" in told


def run_command(environment: dict[str, str], directory: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "homebroker", *command],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == EXIT_CANNOT_START, done
    assert "Traceback" not in done.stderr
    return done.stderr
