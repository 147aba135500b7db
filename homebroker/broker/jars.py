"""Kafka's jars: exactly those of the lock file, fetched once, verified at every start."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple, TypeAlias

from platformdirs import user_cache_path

from homebroker.errors import StartError

_THREADS = 12
_ATTEMPTS = 3
_TIMEOUT_S = 30

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes that are here and the bytes in all, from several threads, one at a time."""


class Jar(NamedTuple):
    """One line of the lock file."""

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str
    size_bytes: int

    @property
    def filename(self) -> str:
        """The jar's name in the cache."""
        return "-".join(filter(None, (self.artifact, self.version, self.classifier))) + ".jar"


def locked_jars() -> list[Jar]:
    """Read the lock file: what Kafka needs, in the order of the class path."""
    jars = []
    for line in (files(__package__) / "kafka_jars.lock").read_text("utf-8").splitlines():
        coordinates, sha256, size_bytes = line.split()
        group, artifact, version, *classifier = coordinates.split(":")
        jars.append(Jar(group, artifact, version, "".join(classifier), sha256, int(size_bytes)))
    return jars


def default_cache() -> Path:
    """Give the directory of this user's verified jars, shared by all data directories."""
    return user_cache_path("homebroker", appauthor=False) / "jars"


def missing_jars(cache: Path, jars: Sequence[Jar]) -> list[Jar]:
    """Tell which jars are not there, or not as the lock file says. Cost: reads every jar once."""
    with ThreadPoolExecutor(_THREADS) as pool:
        verified = pool.map(lambda jar: _is_verified(cache / jar.filename, jar), jars)
        return [jar for jar, is_verified in zip(jars, verified, strict=True) if not is_verified]


def fetch_jars(cache: Path, jars: Sequence[Jar], progress: Progress) -> list[Path]:
    """Bring every jar into the cache and give their paths.

    Parameters
    ----------
    cache : Path
        Made when it is not there. A jar enters it whole and verified, or not at all.
    progress : Progress
        Only called when something has to be fetched.

    Raises
    ------
    StartError
        When a jar cannot be had, or is not the one of the lock file.
    """
    try:
        missing = missing_jars(cache, jars)
        if missing:
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="fetch-", dir=cache) as scratch:
                _fetch(cache, missing, _Fetcher(Path(scratch), missing, progress))
    except OSError as error:
        raise StartError(
            f"Kafka's jars cannot be kept in {cache}: {error.strerror or error}. "
            "Make it writable, with 100 MB free on its disk, or set XDG_CACHE_HOME to another directory."
        ) from error
    return jar_paths(cache, jars)


def jar_paths(cache: Path, jars: Sequence[Jar]) -> list[Path]:
    """Give where jars are in a cache, once they are there."""
    return [cache / jar.filename for jar in jars]


def _fetch(cache: Path, missing: Sequence[Jar], fetcher: _Fetcher) -> None:
    with ThreadPoolExecutor(_THREADS) as pool:
        # The largest first, so that none of them is alone at the end.
        waiting = [
            pool.submit(fetcher.fetch, cache, jar) for jar in sorted(missing, key=lambda jar: -jar.size_bytes)
        ]
        try:
            for fetched in waiting:
                fetched.result()
        except BaseException:
            # Whatever ends the wait, Ctrl-C too, ends the downloads not yet begun; it goes on from here.
            pool.shutdown(cancel_futures=True)
            raise


class _Fetcher:
    """Downloads jars through jgo, which knows where Maven's artifacts are."""

    def __init__(self, scratch: Path, jars: Sequence[Jar], progress: Progress) -> None:
        self._scratch = scratch
        self._progress = progress
        self._lock = threading.Lock()
        self._bytes_all = sum(jar.size_bytes for jar in jars)
        self._bytes_here = 0

    def fetch(self, cache: Path, jar: Jar) -> None:
        # Imported here: a start that finds its jars must not wait for the HTTP stack.
        from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415

        problem = ""
        for attempt in range(_ATTEMPTS):
            time.sleep(attempt)
            resolver = PythonResolver()
            resolver.progress_callback = self._count
            repository = self._scratch / f"{jar.sha256}-{attempt}"
            context = MavenContext(resolver, repo_cache=repository, timeout=_TIMEOUT_S)
            component = context.project(jar.group, jar.artifact).at_version(jar.version)
            try:
                path = component.artifact(jar.classifier).resolve()
            except (OSError, RuntimeError) as error:
                problem = str(error)
                continue
            if _is_verified(path, jar):
                path.replace(cache / jar.filename)
                return
            problem = "what came has not the SHA-256 sum of homebroker/broker/kafka_jars.lock"
        raise StartError(
            f"Kafka's {jar.filename} could not be downloaded ({problem}). Check the network (HTTPS_PROXY is "
            "honoured) and start again: what is here already is kept. "
            "Or set HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS to a Kafka that runs elsewhere."
        )

    @contextmanager
    def _count(self, _filename: str, _size_bytes: int) -> Iterator[Callable[[int], None]]:
        def add(count: int) -> None:
            with self._lock:
                self._bytes_here += count
                self._progress(min(self._bytes_here, self._bytes_all), self._bytes_all)

        yield add


def _is_verified(path: Path, jar: Jar) -> bool:
    try:
        if path.stat().st_size != jar.size_bytes:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False


def class_path(jars: Sequence[Path]) -> str:
    """Join jars the way Java takes them."""
    return os.pathsep.join(map(str, jars))
