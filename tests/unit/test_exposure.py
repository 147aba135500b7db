"""What a market that others can reach must not have, and the key that signs its tokens."""

from __future__ import annotations

import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.identity.demo_users import DEMO_USERS
from homebroker.cli import main
from homebroker.errors import EXIT_CANNOT_START, StartError
from homebroker.exposure import check_api_exposure, check_demo_exposure
from homebroker.secret_key import secret_key_of
from homebroker.settings import Settings
from homebroker.supervisor.sign_in_help import how_to_sign_in

KEY = SecretStr("k" * 32)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.7", "::1", "[::1]", "localhost", "LocalHost"])
def test_on_this_machine_alone_the_demo_is_fine(host: str) -> None:
    check_api_exposure(Settings(api_host=host, dashboard_host=host))


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "192.168.0.7", "broker.example", "localhost.evil.example", ""],  # noqa: S104
)
@pytest.mark.parametrize("setting", ["api_host", "dashboard_host"])
def test_where_others_can_reach_it_the_demo_and_a_key_of_chance_are_refused(setting: str, host: str) -> None:
    variable = f"HOMEBROKER_{setting.upper()}"
    with pytest.raises(StartError, match=rf"{variable}=.*HOMEBROKER_DEMO=off.*homebroker users add"):
        check_demo_exposure(Settings(**{setting: host}))  # type: ignore[arg-type]
    with pytest.raises(StartError, match=rf"{variable}=.*HOMEBROKER_DEMO=off"):
        check_api_exposure(Settings(secret_key=KEY, **{setting: host}))  # type: ignore[arg-type]
    with pytest.raises(StartError, match=rf"{variable}=.*HOMEBROKER_SECRET_KEY.*openssl"):
        check_api_exposure(Settings(demo="off", **{setting: host}))  # type: ignore[arg-type]
    check_demo_exposure(Settings(demo="off", **{setting: host}))  # type: ignore[arg-type]
    check_api_exposure(Settings(demo="off", secret_key=KEY, **{setting: host}))  # type: ignore[arg-type]


@pytest.mark.parametrize("command", ["up", "api", "dashboard"])
def test_no_part_starts_so(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOMEBROKER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEBROKER_API_HOST", "0.0.0.0")  # noqa: S104
    monkeypatch.setattr(sys, "argv", ["homebroker", command])
    monkeypatch.setattr("homebroker.process.configure_logging", lambda _name: None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == EXIT_CANNOT_START
    assert "HOMEBROKER_DEMO=off" in capsys.readouterr().err


def test_the_key_is_made_once_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    key = secret_key_of(settings)
    assert len(key.get_secret_value()) == 64
    assert secret_key_of(settings) == key
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["secret_key"]
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600
    assert secret_key_of(Settings(data_dir=tmp_path / "other")) != key
    assert secret_key_of(Settings(data_dir=tmp_path / "new", secret_key=KEY)) == KEY


def test_processes_that_start_at_once_sign_with_the_same_key(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(8) as threads:
        keys = {key.get_secret_value() for key in threads.map(secret_key_of, [settings] * 64)}
    assert len(keys) == 1


def test_a_key_that_others_may_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    secret_key_of(settings)
    path = tmp_path / "secret_key"
    path.chmod(0o640)
    with pytest.raises(StartError, match=f"chmod 600 {path}"):
        secret_key_of(settings)
    path.chmod(0o600)
    path.write_text("")
    with pytest.raises(StartError, match="holds no key"):
        secret_key_of(settings)
    path.unlink()
    path.mkdir()
    with pytest.raises(StartError, match=r"secret_key"):
        secret_key_of(settings)


def test_up_tells_how_to_sign_in() -> None:
    told = "\n".join(how_to_sign_in(Settings()))
    for user in DEMO_USERS:
        assert f"{user.username} " in told
        assert user.password in told
    assert "homebroker users add" in "\n".join(how_to_sign_in(Settings(demo="off")))
