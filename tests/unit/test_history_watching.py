"""A history whose database is away, or whose recorder stands still, is noticed and told with what to do."""

from __future__ import annotations

from pathlib import Path

from api.history import History, HistoryWatch
from engine.topics import BOOK, EXECUTIONS, TRANSACTIONS


def watch(tmp_path: Path, known: dict[str, int]) -> HistoryWatch:
    return HistoryWatch(History(f"sqlite:///{tmp_path / 'none.sqlite'}"), lambda: known)


def test_a_recorder_that_is_behind_and_writes_is_no_trouble(tmp_path: Path) -> None:
    watched = watch(tmp_path, {TRANSACTIONS: 1_000})
    for step in range(100):
        watched.read({TRANSACTIONS: step}, now_s=step)
        assert watched.trouble(step) is None


def test_a_recorder_that_stands_still_before_records_is_trouble_until_it_writes(tmp_path: Path) -> None:
    known = {TRANSACTIONS: 10, EXECUTIONS: 20, BOOK: 99}
    watched = watch(tmp_path, known)
    stored = {TRANSACTIONS: 10, EXECUTIONS: 20}
    watched.read(stored, now_s=0)
    watched.read(stored, now_s=500)
    assert watched.trouble(500) is None
    known[EXECUTIONS] = 23
    watched.read(stored, now_s=501)
    assert watched.trouble(511) is None
    watched.read(stored, now_s=512)
    told = watched.trouble(513)
    assert told is not None
    assert "written nothing for 12 s, and 3 records wait" in told
    watched.read(stored | {EXECUTIONS: 21}, now_s=514)
    assert watched.trouble(514) is None


def test_a_history_without_tables_is_a_recorder_that_has_not_begun(tmp_path: Path) -> None:
    watched = watch(tmp_path, {TRANSACTIONS: 1})
    for now_s in (0, 1, 10):
        watched.read({}, now_s=now_s)
        assert watched.trouble(now_s) is None
    assert "1 records wait" in (watched.trouble(12) or "")


def test_a_database_that_fails_or_hangs_is_away_after_a_moment(tmp_path: Path) -> None:
    watched = watch(tmp_path, {})
    watched.asking(now_s=5)
    assert watched.trouble(8) is None
    assert "it has not answered" in (watched.trouble(9) or "")
    watched.failed("connection refused")
    watched.asking(now_s=9)
    assert "(connection refused)" in (watched.trouble(9) or "")
    watched.read({}, now_s=10)
    assert watched.trouble(10) is None
