"""Which Java runs the broker, and what is told where there is none that can."""

from __future__ import annotations

from pathlib import Path

import pytest

from homebroker.broker import java
from homebroker.errors import StartError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the only folder of the PATH, on a machine without the packaged Java."""
    monkeypatch.setattr(java, "_packaged_java", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _install(folder: Path, told: str) -> Path:
    launcher = folder / "java"
    launcher.write_text(f"#!/bin/sh\necho '{told}' >&2\n")
    launcher.chmod(0o755)
    return launcher


def test_without_java_it_is_said_what_to_do(folder: Path) -> None:
    with pytest.raises(StartError, match=r"No Java was found\. Install Java 17 .*KAFKA_BOOTSTRAP_SERVERS"):
        java.find_java()


@pytest.mark.parametrize(
    ("told", "shown"),
    [('java version "1.8.0_292"', "Java 8;"), ("no version at all", "Java of an unknown version;")],
)
def test_a_java_that_is_too_old_is_named(folder: Path, told: str, shown: str) -> None:
    launcher = _install(folder, told)
    with pytest.raises(StartError, match=f"{launcher} is {shown} Kafka needs 17 or newer"):
        java.find_java()


def test_a_java_on_the_path_serves(folder: Path) -> None:
    launcher = _install(folder, 'openjdk version "21.0.2" 2024-01-16')
    assert java.find_java() == java.Java(launcher, 21)
