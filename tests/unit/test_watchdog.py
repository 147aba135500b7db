"""A reader that hangs is noticed; one that works or has nothing to read is not."""

from __future__ import annotations

import pytest

from engine.log import LogError, StuckReaderError, Watchdog, trouble_of
from engine.log.watchdog import STUCK_AFTER_S


def test_a_reader_that_stands_before_records_hangs() -> None:
    watchdog = Watchdog("orders")
    watchdog.look(position=10, end=20, now_s=100.0)
    watchdog.look(position=10, end=25, now_s=100.0 + STUCK_AFTER_S)
    with pytest.raises(StuckReaderError, match="orders has 15 records from offset 10 on") as caught:
        watchdog.look(position=10, end=25, now_s=100.1 + STUCK_AFTER_S)
    assert isinstance(caught.value, LogError)
    assert trouble_of(caught.value) == "a reader of Kafka hangs"


def test_a_reader_that_moves_however_slowly_works() -> None:
    watchdog = Watchdog("orders")
    for step in range(10):
        watchdog.look(position=step, end=1_000, now_s=step * STUCK_AFTER_S)


def test_a_reader_without_anything_to_read_works_and_has_its_time_once_there_is() -> None:
    watchdog = Watchdog("orders")
    for step in range(10):
        watchdog.look(position=7, end=7, now_s=step * STUCK_AFTER_S)
    watchdog.look(position=7, end=8, now_s=9.9 * STUCK_AFTER_S)
    with pytest.raises(StuckReaderError):
        watchdog.look(position=7, end=8, now_s=10.1 * STUCK_AFTER_S)
