"""A state that is kept by a fork: of its moment, whatever comes after, and never whole in memory."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from engine import freezing
from engine.freezing import FreezingError, FrozenState
from engine.state import digest_of_state
from tests.simulation.lives import Life, new_life
from tests.simulation.logs import busy_log

_LOG = busy_log(seed=3, count=6_000)
_HALF = len(_LOG) // 2


def _half_life() -> Life:
    return new_life().run(_LOG[:_HALF])


async def test_what_is_kept_is_the_moment_that_was_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    life = _half_life()
    then = life.shard.state()
    digest = life.shard.digest()
    monkeypatch.setattr(freezing, "_PIECE_BYTES", 10_007)
    frozen = FrozenState(life.shard.look())
    life.run(_LOG)
    assert life.shard.digest() != digest
    with await frozen.thawed() as kept:
        pieces = list(kept.pieces())
        assert b"".join(pieces) == b"".join(buffer.tobytes() for buffer in then.buffers)
        assert list(kept.sizes) == [len(buffer) for buffer in then.buffers]
        assert (kept.offset, kept.header) == (then.offset, then.describe())
        # It is read twice, to be hashed and to be sent; no piece is more of it than need be in memory.
        assert digest_of_state(kept.header, kept.pieces()) == digest
        assert max(map(len, pieces)) == 10_007


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is mapped")
async def test_of_a_kept_state_nothing_is_mapped_into_memory() -> None:
    life = _half_life()
    with await FrozenState(life.shard.look()).thawed() as kept:
        digest_of_state(kept.header, kept.pieces())
        number = os.fstat(kept._file.fileno()).st_ino
        mapped = Path("/proc/self/maps").read_text(encoding="utf-8")  # noqa: ASYNC240 - no disk is asked
        assert not [line for line in mapped.splitlines() if line.split()[4] == str(number)]
    assert kept._file.closed


async def test_a_state_that_was_not_written_whole_is_not_given() -> None:
    life = _half_life()
    with patch.object(freezing.os, "write", side_effect=OSError("the disk is full")):
        frozen = FrozenState(life.shard.look())
    with pytest.raises(FreezingError, match="could not be written"):
        await frozen.thawed()
    assert frozen._file.closed


async def test_who_no_longer_waits_leaves_no_file() -> None:
    frozen = FrozenState(_half_life().shard.look())
    with patch.object(freezing.os, "waitpid", return_value=(0, 0)):
        waiting = asyncio.ensure_future(frozen.thawed())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert frozen._file.closed
    await asyncio.to_thread(os.waitpid, frozen._child, 0)
