"""The settings: every one can be set by its variable, is told of, and is complained about by name."""

from __future__ import annotations

import sys
from secrets import token_hex

import pytest
from pydantic import SecretStr

from homebroker.cli import main
from homebroker.errors import EXIT_CANNOT_START, StartError
from homebroker.settings import Settings
from homebroker.settings_table import load_settings, settings_rows, unknown_variables


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_default_can_be_written_as_a_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    default = Settings.model_fields[name].default
    text = default.get_secret_value() if isinstance(default, SecretStr) else str(default)
    monkeypatch.setenv(f"HOMEBROKER_{name.upper()}", text)
    assert getattr(load_settings(), name) == default


def test_every_setting_is_told_of() -> None:
    rows = settings_rows(Settings())
    assert len(rows) == len(Settings.model_fields)
    assert [row for row in rows if not row[3]] == []


def test_a_password_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = token_hex()
    monkeypatch.setenv("HOMEBROKER_KAFKA_SASL_PASSWORD", secret)
    monkeypatch.setattr(sys, "argv", ["homebroker", "settings"])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    assert ended.value.code == 0
    assert "HOMEBROKER_KAFKA_SASL_PASSWORD" in shown.out
    assert secret not in shown.out + shown.err
    assert load_settings().connection.sasl_password == secret


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HOMEBROKER_KAFKA_PORT", "65535"),  # its controller would have no port
        ("HOMEBROKER_API_PORT", "eight thousand"),
        ("HOMEBROKER_KAFKA_SECURITY_PROTOCOL", "SSL"),  # the embedded one has no certificate
        ("HOMEBROKER_SIMULATOR", "maybe"),
        ("HOMEBROKER_SIMULATOR_RATE", "nan"),
        ("HOMEBROKER_SHARDS", "0"),
        ("HOMEBROKER_SECRET_KEY", "short"),
        ("HOMEBROKER_DEMO", "maybe"),
        ("HOMEBROKER_DATABASE_URL", "nonsense"),
    ],
)
def test_a_bad_value_is_a_sentence_that_names_the_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys, "argv", ["homebroker", "settings"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == EXIT_CANNOT_START
    told = capsys.readouterr().err
    assert f"{variable} cannot be used: " in told
    assert "Traceback" not in told


def test_a_misspelled_variable_is_told_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOMEBROKER_SIMULATR", "off")
    monkeypatch.setenv("HOMEBROKER_ZZZ", "1")
    monkeypatch.setattr(sys, "argv", ["homebroker", "settings"])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr().out
    assert "HOMEBROKER_SIMULATR is no setting and changes nothing; did you mean HOMEBROKER_SIMULATOR?" in told
    assert "HOMEBROKER_ZZZ is no setting and changes nothing; `homebroker settings` names all." in told
    assert unknown_variables(["PATH", "HOMEBROKER_API_PORT", "HOMEBROKER_TEST_SOAK"]) == []


def test_all_bad_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEBROKER_API_PORT", "0")
    monkeypatch.setenv("HOMEBROKER_SIMULATOR", "maybe")
    with pytest.raises(StartError, match=r"(?s)HOMEBROKER_API_PORT.*HOMEBROKER_SIMULATOR"):
        load_settings()


def test_a_kafka_elsewhere_means_no_embedded_one() -> None:
    elsewhere = Settings(kafka_bootstrap_servers="kafka:9092")
    assert not elsewhere.embedded_broker
    assert elsewhere.connection.bootstrap_servers == "kafka:9092"
    own = Settings(kafka_port=19_092)
    assert own.embedded_broker
    assert own.connection.bootstrap_servers == "127.0.0.1:19092"
