"""An engine that leaves commands unanswered is noticed; one that has nothing to answer is not."""

from __future__ import annotations

from api.live.answering import Answering


def test_an_engine_without_commands_is_not_silent_however_long_that_lasts() -> None:
    answering = Answering()
    for step in range(5):
        answering.look(commands=70, outputs=200, now_s=100.0 * step)
        assert answering.silent_s(100.0 * step) == 0


def test_an_engine_is_silent_from_the_first_look_at_a_command_that_no_output_followed() -> None:
    answering = Answering()
    answering.look(commands=70, outputs=200, now_s=10)
    answering.look(commands=71, outputs=200, now_s=11)
    answering.look(commands=75, outputs=200, now_s=20)
    assert answering.silent_s(25) == 14
    answering.look(commands=75, outputs=201, now_s=26)
    assert answering.silent_s(26) == 0
    answering.look(commands=75, outputs=201, now_s=90)
    assert answering.silent_s(90) == 0


def test_an_engine_that_answers_slower_than_commands_come_is_not_silent() -> None:
    answering = Answering()
    for step in range(100):
        answering.look(commands=10 * step, outputs=step, now_s=step)
        assert answering.silent_s(step) == 0


def test_a_log_that_was_replaced_begins_anew() -> None:
    answering = Answering()
    answering.look(commands=70, outputs=200, now_s=1)
    answering.look(commands=71, outputs=200, now_s=2)
    answering.look(commands=3, outputs=9, now_s=3)
    assert answering.silent_s(60) == 0
