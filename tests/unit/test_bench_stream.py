"""The benchmarks' array flow: the mix it promises, and one stream in all its forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.generator import Column, PlainKind
from bench.stream import Stream, command_rows, records, stream, stream_opening
from engine.names import Names, investor_names
from engine.wire.commands import decode_command
from engine.wire.rows import CommandRows

_COUNT = 60_000
_TIME_MS = 1_790_000_000_000


def _mixed(symbols: int) -> Stream:
    return stream(_COUNT, symbols=symbols, resting=2_000, seed=5)


def test_the_mix_is_the_promised_one() -> None:
    for symbols in (1, 100):
        made = _mixed(symbols)
        # The first orders only come to rest.
        shares = np.bincount(made.plain[5_000:, Column.KIND], minlength=len(PlainKind)) / (_COUNT - 5_000)
        promised = {"limit": 0.55, "immediate": 0.025, "market": 0.025, "cancel": 0.35, "reduce": 0.025}
        for kind, share in promised.items():
            assert abs(shares[PlainKind[kind.upper()]] - share) < 0.01
        assert 0.30 < made.facts.limits_that_trade < 0.35
        assert 1_500 < made.facts.resting_mean < 2_500


def test_the_same_seed_gives_the_same_stream() -> None:
    assert np.array_equal(_mixed(3).plain, _mixed(3).plain)
    assert not np.array_equal(_mixed(3).plain, stream(_COUNT, symbols=3, seed=6).plain)


def test_the_rows_are_what_reading_the_records_makes() -> None:
    count = 5_000
    made = stream(count, symbols=100, resting=500, seed=5)
    batch = CommandRows(investor_names(1_001, 1 << 16), Names(100, 1 << 16))
    opened = stream_opening(symbols=100)
    for command in opened:
        batch.add(command, 0, 0)
    batch.clear()
    for place, value in enumerate(records(made)):
        batch.add(decode_command(value), 7 + place, _TIME_MS)
    rows, text = command_rows(made, first_offset=7, time_ms=_TIME_MS)
    assert set(rows["kind"]) == set(batch.commands["kind"])
    for name in set(rows.dtype.names or ()) - {"text"}:
        assert np.array_equal(rows[name], batch.commands[name]), name
    for ours, read in zip(rows, batch.commands, strict=True):
        length = int(ours["id_length"] + ours["investor_length"] + ours["symbol_length"])
        ours_text = text[ours["text"] : ours["text"] + length]
        assert np.array_equal(ours_text, batch.text[read["text"] : read["text"] + length])


def test_the_file_for_peers_is_the_plain_rows(tmp_path: Path) -> None:
    made = _mixed(2)
    made.write(tmp_path / "stream.bin")
    assert np.array_equal(np.fromfile(tmp_path / "stream.bin", "<i8").reshape(-1, len(Column)), made.plain)
