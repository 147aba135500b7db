"""docker-compose.yml: valid, and running commands that the program has, as nobody's root."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from homebroker.cli import app

_ROOT = Path(__file__).parents[2]


def _compose_command() -> list[str]:
    if shutil.which("docker"):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if plugin.returncode == 0:
            return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    pytest.skip("neither `docker compose` nor `docker-compose` is installed")


def _config() -> dict[str, Any]:
    command = [*_compose_command(), "--file", str(_ROOT / "docker-compose.yml"), "config"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    config: dict[str, Any] = yaml.safe_load(done.stdout)
    return config


def test_services_run_the_programs_own_commands() -> None:
    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    services = _config()["services"]
    own = {name: service for name, service in services.items() if service.get("image") == "homebroker"}
    assert {"topics", "engine", "recorder", "api", "dashboard", "simulator", "notebooks"} == set(own)
    for service in own.values():
        command = service.get("command") or []
        words = command.split() if isinstance(command, str) else command
        assert not words or words[0] in known, words


def test_every_lasting_service_has_a_health_check_and_publishes_on_loopback_only() -> None:
    for name, service in _config()["services"].items():
        if name not in {"topics", "notebooks"}:
            assert service["healthcheck"]["test"], name
        for port in service.get("ports", []):
            published = port["host_ip"] if isinstance(port, dict) else str(port).split(":")[0]
            assert published == "127.0.0.1", name


def test_image_does_not_run_as_root() -> None:
    users = [line for line in (_ROOT / "Dockerfile").read_text().splitlines() if line.startswith("USER")]
    assert users == ["USER homebroker"]
