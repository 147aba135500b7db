"""What Java keeps of Kafka's rehearsal: whose it is, and how a start is told of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from homebroker.broker.java import Java
from homebroker.broker.memory import flags_to_learn, flags_with, memory_path
from homebroker.broker.rehearsal import forget_oldest


@pytest.fixture
def java(tmp_path: Path) -> Java:
    """Give a Java as a runtime's folder has it."""
    path = tmp_path / "runtime" / "bin" / "java"
    path.parent.mkdir(parents=True)
    path.touch()
    (tmp_path / "runtime" / "release").write_text('JAVA_VERSION="25.0.2"')
    return Java(path, 25)


@pytest.fixture
def jars(tmp_path: Path) -> list[Path]:
    """Give two jars in a cache."""
    paths = [tmp_path / "cache" / "jars" / name for name in ("a.jar", "b.jar")]
    paths[0].parent.mkdir(parents=True)
    for path in paths:
        path.write_bytes(b"jar")
    return paths


def test_a_memory_is_found_again_beside_the_jars(java: Java, jars: list[Path]) -> None:
    memory = memory_path(java, jars)
    assert memory is not None
    assert memory == memory_path(java, jars)
    assert memory.parent == jars[0].parent.parent / "rehearsals"


def test_another_java_has_a_memory_of_its_own(java: Java, jars: list[Path]) -> None:
    memory = memory_path(java, jars)
    (java.path.parent.parent / "release").write_text('JAVA_VERSION="25.0.3"')
    assert memory_path(java, jars) != memory


@pytest.mark.parametrize("changed", ["order", "bytes", "time"])
def test_other_jars_have_a_memory_of_their_own(java: Java, jars: list[Path], changed: str) -> None:
    memory = memory_path(java, jars)
    if changed == "order":
        jars.reverse()
    elif changed == "bytes":
        jars[1].write_bytes(b"jar, longer")
    else:
        os.utime(jars[1], ns=(1, 1))
    assert memory_path(java, jars) != memory


def test_an_older_java_keeps_none(java: Java, jars: list[Path]) -> None:
    assert memory_path(java._replace(version=24), jars) is None


def test_only_a_java_without_a_memory_does_without_the_optimizing_compiler() -> None:
    assert flags_with(None) == ["-XX:TieredStopAtLevel=1"]
    assert "-XX:AOTCache=kafka.aot" in flags_with(Path("kafka.aot"))
    assert "-XX:AOTCacheOutput=kafka.aot" in flags_to_learn(Path("kafka.aot"))
    assert "-XX:TieredStopAtLevel=1" not in flags_with(Path("kafka.aot")) + flags_to_learn(Path("kafka.aot"))


def test_the_three_newest_memories_are_kept(tmp_path: Path) -> None:
    for age, name in enumerate("abcde"):
        (tmp_path / f"{name}.aot").touch()
        os.utime(tmp_path / f"{name}.aot", (1_000_000 - age, 1_000_000 - age))
    forget_oldest(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.aot", "b.aot", "c.aot"]
