"""A name in a data directory: one owner, given back by whatever way that owner ends."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from homebroker.errors import StartError
from homebroker.pidfile import claim, forget, holder, pid_path


def test_a_claimed_name_is_refused_until_it_is_released(tmp_path: Path) -> None:
    first = claim(tmp_path, "engine")
    assert holder(tmp_path, "engine") == os.getpid()
    with pytest.raises(StartError, match=f"running already .* \\(pid {os.getpid()}\\)"):
        claim(tmp_path, "engine")
    first.release()
    assert holder(tmp_path, "engine") is None
    claim(tmp_path, "engine").release()


def test_nobody_holds_a_name_in_a_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert holder(tmp_path / "file", "engine") is None


def test_a_full_disk_leaves_the_name_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full_disk:
        full_disk.setattr(os, "pwrite", no_space)
        with pytest.raises(StartError, match="No space left"):
            claim(tmp_path, "broker")
    claim(tmp_path, "broker").release()


def test_a_pid_file_left_behind_is_removed_even_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pid_path(tmp_path, "engine")
    path.parent.mkdir()
    path.write_text("1\n")
    assert holder(tmp_path, "engine") is None
    monkeypatch.delattr(os, "pwrite")
    forget(tmp_path, "engine")
    assert not path.exists()
