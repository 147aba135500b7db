"""What is prepared before the first start and beside it: it ends when told, and leaves nothing half done."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from homebroker.broker.jars import default_cache
from homebroker.broker.rehearsal import is_due
from homebroker.supervisor.display import Display
from homebroker.supervisor.rehearsing import rehearse_meanwhile
from tests.kafka.waiting import until
from tests.market import market_settings

pytestmark = pytest.mark.kafka
_ROOT = Path(__file__).parent.parent.parent
_DISPLAY = Display(Console(quiet=True))


@pytest.fixture
def empty_cache(kafka_jars: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a user's cache that has the jars and nothing else; processes put what is temporary beside it."""
    jars = default_cache()
    cache = tmp_path / "cache" / "homebroker"
    cache.mkdir(parents=True)
    (cache / "jars").symlink_to(jars)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parent))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    if not is_due():
        pytest.skip("this Java keeps nothing of a rehearsal")
    return cache


def _javas_of(command: str) -> list[psutil.Process]:
    """Give the Java processes of the child that runs a command of ours."""
    ours = [child for child in psutil.Process().children() if command in " ".join(child.cmdline())]
    return [each for child in ours for each in child.children(recursive=True) if each.name() == "java"]


def _share_of(pid: int) -> str | None:
    """Give how unurgent Linux takes a process's session to be; None where it does not look at sessions."""
    told = Path(f"/proc/{pid}/autogroup")
    # Empty for a process that never got a session of its own, as a container's first may be.
    words = told.read_text().split() if told.exists() else []
    return words[-1] if words else None


async def test_a_rehearsal_beside_the_market_gives_way_and_ends_with_it(
    empty_cache: Path, tmp_path: Path
) -> None:
    rehearsing = asyncio.create_task(rehearse_meanwhile(market_settings(tmp_path), _DISPLAY))
    await until(lambda: bool(_javas_of("prepare rehearsal --gently")), "a Kafka to rehearse with")
    (java,) = _javas_of("prepare rehearsal --gently")
    assert java.nice() == 19
    # It has a session of its own, which gives way too; ours, perhaps a whole terminal's, does not.
    assert _share_of(java.pid) in {"19", None}
    assert _share_of(os.getpid()) != "19"
    rehearsing.cancel()
    await asyncio.wait([rehearsing])
    assert not java.is_running()
    assert not list((empty_cache / "rehearsals").iterdir())
    assert not list((tmp_path / "temporary").iterdir())
    assert is_due()


async def test_where_there_is_no_kafka_of_ours_nothing_is_rehearsed(
    empty_cache: Path, tmp_path: Path
) -> None:
    elsewhere = market_settings(tmp_path, kafka_bootstrap_servers="127.0.0.1:1")
    await asyncio.wait_for(rehearse_meanwhile(elsewhere, _DISPLAY), 1)
    assert not (empty_cache / "rehearsals").exists()


def _engine_s_cache(folder: Path, script: str, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", f"from engine.kernel import compile as kept; {script}"],
        env=os.environ | {"PYTHONPATH": str(_ROOT), "NUMBA_CACHE_DIR": str(folder)} | environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_what_a_compilation_that_was_killed_left_does_not_pass_for_all(tmp_path: Path) -> None:
    compile_a_part = "from engine import batches; batches.warm_up(); print(kept.is_kept())"
    assert _engine_s_cache(tmp_path, compile_a_part) == "False"
    assert any(tmp_path.rglob("*.nbi"))
    assert _engine_s_cache(tmp_path, "kept.note_kept(); print(kept.is_kept())") == "True"
    # Code that is checked at run time is other code.
    assert _engine_s_cache(tmp_path, "print(kept.is_kept())", NUMBA_BOUNDSCHECK="1") == "False"
