"""The settings: environment variables, or a `.env` file, all named HOMEBROKER_…"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.identity.demo_users import DEMO_INVESTOR_ID
from engine.log import Connection

SECRET_KEY_BYTES_MIN = 32
Port = int


class Settings(BaseSettings):
    """Everything a person may set; `homebroker settings` prints it."""

    model_config = SettingsConfigDict(
        env_prefix="HOMEBROKER_", env_file=".env", extra="ignore", hide_input_in_errors=True
    )

    kafka_bootstrap_servers: str = Field("", description="an existing Kafka; empty: start the embedded one")
    kafka_port: Port = Field(
        9092, ge=1, le=65534, description="port of the embedded Kafka; its controller takes the next one"
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how every client speaks to Kafka"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN", description="how clients sign in to Kafka, where the protocol is SASL_…"
    )
    kafka_sasl_username: str = Field("", description="user name at Kafka")
    kafka_sasl_password: SecretStr = Field(SecretStr(""), description="password at Kafka")
    kafka_ssl_ca_file: str = Field("", description="certificates to trust; empty: the system's")
    kafka_ssl_cert_file: str = Field("", description="the client's own certificate, where Kafka asks for one")
    kafka_ssl_key_file: str = Field("", description="the key of that certificate")
    kafka_replicas: int = Field(1, ge=1, le=9, description="copies of each topic, when it is first made")
    data_dir: Path = Field(Path(".homebroker"), description="everything kept on disk")
    database_url: str = Field("", description="any SQLAlchemy URL; empty: SQLite in the data directory")
    api_host: str = Field("127.0.0.1", description="address that the API listens on")
    api_port: Port = Field(8000, ge=1, le=65535, description="port of the API")
    api_url: str = Field("", description="where the dashboard's server finds the API; empty: on this machine")
    dashboard_host: str = Field("127.0.0.1", description="address that the dashboard listens on")
    dashboard_port: Port = Field(8501, ge=1, le=65535, description="port of the dashboard")
    allowed_hosts: str = Field(
        "", description="further host names that the API answers to, separated by commas"
    )
    trusted_proxies: str = Field(
        "", description="addresses of proxies that tell the API who asks, separated by commas"
    )
    secret_key: SecretStr = Field(
        SecretStr(""), description="signs tokens; empty: made once and kept in the data directory"
    )
    demo: Literal["on", "off"] = Field(
        "on", description="off: no users with known passwords, nobody registers, no play money"
    )
    orders_per_second: float = Field(
        100.0, gt=0, le=100_000, description="orders that a user may send to an API process"
    )
    requests_per_second: float = Field(
        50.0, gt=0, le=100_000, description="other requests that a user may make of an API process"
    )
    history_days: int = Field(
        0, ge=0, le=100_000, description="whole days of trades, executions and ended orders kept; 0: all"
    )
    metrics_host: str = Field("127.0.0.1", description="address that the parts serve their metrics on")
    metrics_port: Port = Field(
        0,
        ge=0,
        le=65_000,
        description="port of the engine's metrics, the first of four; 0: none are served",
    )
    streams_per_user: int = Field(
        100, ge=1, le=100_000, description="streams that a user may have open at an API process"
    )
    streams_per_address: int = Field(
        200,
        ge=1,
        le=100_000,
        description="streams that people who are not signed in may have open, by address, at an API process",
    )
    simulator: Literal["on", "off"] = Field("on", description="off: no simulated investors")
    simulator_rate: float = Field(
        40.0, gt=0, le=10_000, description="commands a second that simulated investors send"
    )
    simulator_seed: int = Field(7, ge=0, description="the simulated investors' dice")
    simulator_warmup_hours: float = Field(
        4.0, ge=0, le=48, description="hours of history that a fresh market starts with"
    )
    snapshot_commands: int = Field(
        200_000,
        ge=1_000,
        description="commands between two snapshots of the market, from which engines start",
    )
    shards: int = Field(1, ge=1, le=1, description="partitions of `orders` when the topic is first made")

    @field_validator("kafka_security_protocol")
    @classmethod
    def _embedded_kafka_is_plain(cls, protocol: str, others: ValidationInfo) -> str:
        if protocol != "PLAINTEXT" and not others.data.get("kafka_bootstrap_servers"):
            raise ValueError(
                "it is for a Kafka of yours, which HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS has to name; "
                "the embedded one speaks PLAINTEXT on loopback"
            )
        return protocol

    @field_validator("secret_key")
    @classmethod
    def _secret_key_is_long(cls, secret_key: SecretStr) -> SecretStr:
        if 0 < len(secret_key.get_secret_value().encode()) < SECRET_KEY_BYTES_MIN:
            raise ValueError(
                f"it has fewer than {SECRET_KEY_BYTES_MIN} characters; `openssl rand -hex 32` makes one"
            )
        return secret_key

    @field_validator("database_url")
    @classmethod
    def _database_url_is_one(cls, database_url: str) -> str:
        if database_url:
            from sqlalchemy.engine import make_url  # noqa: PLC0415 - most readings of settings need no database
            from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

            try:
                make_url(database_url)
            except ArgumentError as error:
                raise ValueError(
                    "it is no URL of a database, such as postgresql+psycopg://user@host/name; "
                    "empty: SQLite in the data directory"
                ) from error
        return database_url

    @property
    def embedded_broker(self) -> bool:
        """Whether this market runs its own Kafka."""
        return not self.kafka_bootstrap_servers

    @property
    def demo_investor_id(self) -> str | None:
        """Whose account a fresh market opens with play money; none without the demo."""
        return DEMO_INVESTOR_ID if self.demo == "on" else None

    @property
    def resolved_database_url(self) -> str:
        """The database's URL, with the default filled in."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'history.sqlite').resolve()}"

    @property
    def resolved_api_url(self) -> str:
        """Where programs on this machine reach the API."""
        return self.api_url or f"http://127.0.0.1:{self.api_port}"

    @property
    def connection(self) -> Connection:
        """How to reach Kafka."""
        return Connection(
            bootstrap_servers=self.kafka_bootstrap_servers or f"127.0.0.1:{self.kafka_port}",
            security_protocol=self.kafka_security_protocol,
            sasl_mechanism=self.kafka_sasl_mechanism,
            sasl_username=self.kafka_sasl_username or None,
            sasl_password=self.kafka_sasl_password.get_secret_value() or None,
            ssl_ca_file=self.kafka_ssl_ca_file or None,
            ssl_cert_file=self.kafka_ssl_cert_file or None,
            ssl_key_file=self.kafka_ssl_key_file or None,
        )
