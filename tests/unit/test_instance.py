"""The name of a data directory's engine: its own, and always the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from homebroker.errors import StartError
from homebroker.instance import instance_of


def test_a_data_directory_keeps_its_name_and_no_two_have_the_same(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    assert instance_of(one) == instance_of(one) != instance_of(other)


@pytest.mark.parametrize("content", [b"", b"0123", b"\xff\xfe", b"g" * 16])
def test_a_name_that_was_cut_off_is_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "instance").write_bytes(content)
    made = instance_of(tmp_path)
    assert len(made) == 16
    assert instance_of(tmp_path) == made


def test_a_directory_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "instance").mkdir()
    with pytest.raises(StartError, match="cannot be used"):
        instance_of(tmp_path)
