"""`homebroker replay` takes a file or `--verify`, never both and never neither."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from homebroker.cli import app


@pytest.mark.parametrize("is_file_given", [True, False])
def test_a_file_or_verify(tmp_path: Path, is_file_given: bool) -> None:
    path = tmp_path / "flow.csv"
    path.touch()
    arguments = [str(path), "--verify"] if is_file_given else []
    result = CliRunner().invoke(app, ["replay", *arguments])
    assert result.exit_code == 2
    assert "Give a FILE of order flow, or --verify without one." in " ".join(result.output.split())
