"""Kafka's jars: fetched once, verified always, and a sentence when they cannot be had.

A small Maven repository of made-up jars is served on loopback, so that nothing here needs the network.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from jgo.maven import _core

from homebroker.broker import jars
from homebroker.broker.jars import Jar, fetch_jars, locked_jars, missing_jars
from homebroker.errors import StartError


class Repository:
    """A Maven repository with the jars `a` and `b`, and a note of what was asked of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[str] = []
        self.jars = [self.put("a", b"first" * 1000), self.put("b", b"second" * 3000)]

    def put(self, name: str, content: bytes) -> Jar:
        path = self.root / "org" / "market" / name / "1.0" / f"{name}-1.0.jar"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return Jar("org.market", name, "1.0", "", hashlib.sha256(content).hexdigest(), len(content))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    served = Repository(tmp_path / "repository")

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, *_arguments: object) -> None:
            if self.path.endswith(".jar"):
                served.asked.append(self.path.rsplit("/", 1)[1])

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(served.root))) as server:
        monkeypatch.setattr(_core, "DEFAULT_REMOTE_REPOS", {"test": f"http://127.0.0.1:{server.server_port}"})
        monkeypatch.setattr(jars, "_ATTEMPTS", 1)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def nothing(_here: int, _all: int) -> None:
    """Show no progress."""


def test_a_verified_jar_is_fetched_once(repository: Repository, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    seen: list[tuple[int, int]] = []
    paths = fetch_jars(cache, repository.jars, lambda *counts: seen.append(counts))
    assert [path.read_bytes()[:5] for path in paths] == [b"first", b"secon"]
    assert seen[-1] == (23_000, 23_000)
    assert sorted(repository.asked) == ["a-1.0.jar", "b-1.0.jar"]

    seen.clear()
    assert fetch_jars(cache, repository.jars, lambda *counts: seen.append(counts)) == paths
    assert (len(repository.asked), seen) == (2, [])
    assert sorted(path.name for path in cache.iterdir()) == ["a-1.0.jar", "b-1.0.jar"]


@pytest.mark.parametrize("damage", [b"", b"first" * 999 + b"fists", b"first" * 1001])
def test_a_corrupt_jar_is_fetched_again(repository: Repository, tmp_path: Path, damage: bytes) -> None:
    cache = tmp_path / "cache"
    path = fetch_jars(cache, repository.jars, nothing)[0]
    repository.asked.clear()
    path.write_bytes(damage)
    assert missing_jars(cache, repository.jars) == [repository.jars[0]]

    fetch_jars(cache, repository.jars, nothing)
    assert path.read_bytes() == b"first" * 1000
    assert repository.asked == ["a-1.0.jar"]


def test_a_jar_that_is_not_the_locked_one_never_enters_the_cache(
    repository: Repository, tmp_path: Path
) -> None:
    repository.put("b", b"malice" * 3000)
    cache = tmp_path / "cache"
    with pytest.raises(
        StartError, match=r"b-1\.0\.jar could not be downloaded \(what came has not the SHA-256"
    ):
        fetch_jars(cache, repository.jars, nothing)
    assert [path.name for path in cache.iterdir() if path.name != "a-1.0.jar"] == []


def test_a_network_that_fails_is_a_sentence_and_keeps_what_came(
    repository: Repository, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    kept = fetch_jars(cache, repository.jars[:1], nothing)
    gone = Jar("org.market", "gone", "1.0", "", "0" * 64, 1)
    with pytest.raises(StartError, match=r"gone-1\.0\.jar could not be downloaded .*HTTPS_PROXY"):
        fetch_jars(cache, [*repository.jars, gone], nothing)
    assert kept[0].exists()


def test_a_cache_that_cannot_be_written_is_a_sentence(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the directory should be")
    with pytest.raises(StartError, match="XDG_CACHE_HOME"):
        fetch_jars(tmp_path / "cache", repository.jars, nothing)


def test_the_lock_file_names_every_jar_once_and_completely() -> None:
    locked = locked_jars()
    assert len({jar.filename for jar in locked}) == len(locked)
    assert {"kafka_2.13", "kafka-clients", "log4j-slf4j-impl"} <= {jar.artifact for jar in locked}
    assert {jar.version for jar in locked if jar.group == "org.apache.kafka"} == {"4.1.1"}
    assert all(len(jar.sha256) == 64 and jar.size_bytes > 1_000 for jar in locked)
