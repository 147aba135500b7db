"""A rehearsal of Kafka, once, so that Java has a memory for every later start."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

from engine.log import Connection, LogError, LogReader, LogWriter, NewRecord
from engine.topics import ORDERS
from homebroker.broker.jars import Progress, default_cache, fetch_jars, jar_paths, locked_jars
from homebroker.broker.java import find_java
from homebroker.broker.memory import memory_path
from homebroker.broker.temporary import temporary_broker
from homebroker.errors import StartError

_MEMORIES_MAX: Final = 3
"""How many are kept: other checkouts of this user's may have another Java and other jars."""
_RECORDS: Final = 12_000
_VALUE: Final = b"0" * 200
_READ_MS: Final = 1_000
_ABANDONED_S: Final = 24 * 3_600


def is_due(*, jar_cache: Path | None = None) -> bool:
    """Tell whether Java could learn Kafka and has not; the jars must be there."""
    memory = memory_path(find_java(), jar_paths(jar_cache or default_cache(), locked_jars()))
    return memory is not None and not memory.exists()


def rehearse(progress: Progress, *, jar_cache: Path | None = None) -> None:
    """Have Java learn Kafka, unless it has, or is too old to keep what it learned.

    Cost: some 30 s of processor time, and 70 MB in the user's cache directory.

    Parameters
    ----------
    progress : Progress
        Told of the download of jars, when there is one.
    jar_cache : Path, optional
        Where verified jars are kept; this user's cache directory when absent.

    Raises
    ------
    StartError
        When the rehearsal cannot be held; everything works without, only not as fast.
    """
    java = find_java()
    memory = memory_path(java, fetch_jars(jar_cache or default_cache(), locked_jars(), progress))
    if memory is None or memory.exists():
        return
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        _forget_abandoned(memory.parent)
        with tempfile.TemporaryDirectory(dir=memory.parent) as scratch:
            learned = Path(scratch) / memory.name
            with temporary_broker(learn_to=learned) as settings:
                asyncio.run(_play(settings.connection))
            learned.replace(memory)
        forget_oldest(memory.parent)
    except (OSError, LogError) as error:
        raise StartError(
            f"Kafka's rehearsal failed ({error}), so it starts and runs slower than it could. "
            "To try again: homebroker prepare."
        ) from error


async def _play(connection: Connection) -> None:
    """Write and read as a market does: record by record, each as soon as the one before it is kept."""
    async with LogWriter(connection) as writer, LogReader(connection) as reader:
        reader.start({(ORDERS, 0): 0})
        reading = asyncio.create_task(_read(reader))
        for _ in range(_RECORDS):
            await writer.append(ORDERS, NewRecord(b"rehearsal", _VALUE))
        await reading


async def _read(reader: LogReader) -> None:
    seen = 0
    while seen < _RECORDS:
        seen += len(await reader.read(wait_ms=_READ_MS))


def _forget_abandoned(folder: Path) -> None:
    """Delete what rehearsals that were killed left long ago."""
    for path in folder.iterdir():
        if path.is_dir() and path.stat().st_mtime < time.time() - _ABANDONED_S:
            shutil.rmtree(path, ignore_errors=True)


def forget_oldest(folder: Path) -> None:
    """Delete all memories but the newest few."""
    memories = sorted(folder.glob("*.aot"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in memories[_MEMORIES_MAX:]:
        path.unlink(missing_ok=True)
