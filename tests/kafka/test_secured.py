"""A Kafka elsewhere that asks for TLS and a password: every client of ours passes the settings on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.domain import OpenAccount
from engine.log import LogError, LogReader, LogWriter, NewRecord, missing_topics
from engine.topics import ACCOUNTS, ORDERS
from engine.wire.commands import encode_command
from homebroker.broker.server import prepare_broker
from homebroker.settings import Settings
from homebroker.supervisor.topics import make_topics_when_up
from tests.market import TIMEOUT_S, free_ports, market_settings, start_part, stop_part, wait_until_ready

pytestmark = pytest.mark.kafka
_PASSWORD = "open sesame"


def _make_certificate(folder: Path) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    new_key = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    named = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*new_key, *named, *files], check=True, capture_output=True)
    keystore = folder / "keystore.pem"
    keystore.write_text(key.read_text() + certificate.read_text())
    return keystore, certificate


def _secured(properties: str, keystore: Path, certificate: Path) -> str:
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    users = f'username="broker" password="inside" user_broker="inside" user_market="{_PASSWORD}"'
    return properties.replace("PLAINTEXT://", "SASL_SSL://").replace(
        "security.protocol.map=PLAINTEXT:PLAINTEXT", "security.protocol.map=SASL_SSL:SASL_SSL"
    ).replace("listener.name=PLAINTEXT", "listener.name=SASL_SSL") + "\n".join(
        [
            "sasl.enabled.mechanisms=PLAIN",
            "sasl.mechanism.inter.broker.protocol=PLAIN",
            f"listener.name.sasl_ssl.plain.sasl.jaas.config={login} {users};",
            "ssl.keystore.type=PEM",
            f"ssl.keystore.location={keystore}",
            "ssl.truststore.type=PEM",
            f"ssl.truststore.location={certificate}",
        ]
    )


@pytest.fixture(scope="module")
def secured(kafka_jars: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Run a Kafka with TLS and SASL, and give the settings of a market that uses it."""
    folder = tmp_path_factory.mktemp("secured")
    keystore, certificate = _make_certificate(folder)
    port = free_ports(2)
    command = prepare_broker(data_dir=folder, port=port, progress=lambda _here, _all: None)
    properties = folder / "run" / "kafka.properties"
    properties.write_text(_secured(properties.read_text(), keystore, certificate))
    with (folder / "broker.log").open("wb") as log:
        broker = subprocess.Popen(command.arguments, stdout=log, stderr=subprocess.STDOUT)
    settings = market_settings(
        folder / "market",
        kafka_bootstrap_servers=f"127.0.0.1:{port}",
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_username="market",
        kafka_sasl_password=_PASSWORD,
        kafka_ssl_ca_file=str(certificate),
    )
    settings.data_dir.mkdir()
    try:
        make_topics_when_up(settings, wait_s=TIMEOUT_S)
        yield settings
    finally:
        broker.terminate()
        broker.wait()


async def test_engine_matches_on_a_kafka_with_tls_and_a_password(secured: Settings) -> None:
    engine = start_part(secured, "engine")
    try:
        wait_until_ready(secured, "engine")
        async with LogWriter(secured.connection) as writer:
            command = encode_command(OpenAccount(investor_id="ana"))
            await writer.append(ORDERS, NewRecord(b"ana", command))
        async with LogReader(secured.connection) as reader:
            reader.start({(ACCOUNTS, 0): 0})
            (answer,) = await reader.read(wait_ms=20_000)
        assert answer.key == b"ana"
    finally:
        stop_part(engine)


async def test_a_wrong_password_is_turned_away(secured: Settings) -> None:
    wrong = secured.model_copy(update={"kafka_sasl_username": "nobody"})
    with pytest.raises(LogError):
        await missing_topics(wrong.connection)
