"""`homebroker notebook`: JupyterLab on the notebooks, with the market's settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from homebroker.errors import StartError
from homebroker.notebook import open_notebooks
from homebroker.settings import Settings
from tests.market import free_ports, wait_until

ROOT = Path(__file__).parent.parent.parent
TOKEN = "of-this-test"


def test_jupyter_gets_the_market_s_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *arguments: called.append(arguments))
    monkeypatch.chdir(tmp_path)
    settings = Settings(kafka_bootstrap_servers="far:9092", kafka_sasl_password="secret")  # type: ignore[arg-type]
    open_notebooks(settings, ["--no-browser"])
    ((program, arguments, environment),) = called
    assert program == sys.executable
    assert arguments[1:3] == ["-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={ROOT / 'notebooks'}" in arguments
    assert "--ip=127.0.0.1" in arguments
    assert arguments[-1] == "--no-browser"
    assert ("--allow-root" in arguments) == (os.geteuid() == 0)
    assert environment["HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS"] == "far:9092"
    assert environment["HOMEBROKER_KAFKA_SASL_PASSWORD"] == "secret"
    assert environment["HOMEBROKER_DATA_DIR"] == str(tmp_path / ".homebroker")
    assert environment["PATH"] == os.environ["PATH"]
    assert "HOMEBROKER_API_PORT" not in environment


def test_jupyter_without_notebooks_says_where_they_come_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("homebroker.notebook.NOTEBOOKS", tmp_path / "none")
    with pytest.raises(StartError, match="come with the repository"):
        open_notebooks(Settings())


def test_jupyterlab_really_opens_every_notebook(tmp_path: Path) -> None:
    port = free_ports(1)
    command = [sys.executable, "-m", "homebroker", "notebook", "--no-browser", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"]
    own = {
        name: str(tmp_path / name)
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")
    }
    process = subprocess.Popen(
        command, env=os.environ | own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    def asked(path: str) -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return bytes(answer.read())

    def answers() -> bool:
        assert process.poll() is None, process.stdout and process.stdout.read()
        try:
            return bool(asked("/api"))
        except OSError:
            return False

    try:
        wait_until(answers, "JupyterLab answers")
        assert b"JupyterLab" in asked("/lab")
        listed = {each["name"] for each in json.loads(asked("/api/contents"))["content"]}
        expected = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
        assert len(expected) == 7
        assert expected <= listed
        for name in expected:
            opened = json.loads(asked(f"/api/contents/{name}"))
            assert opened["type"] == "notebook" and opened["content"]["cells"]
    finally:
        process.terminate()
        process.communicate(timeout=30)
