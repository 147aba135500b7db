"""Crashes, simulated: an engine that dies between any two sends, on any topic, and starts again."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.outputs import IDENTIFIED_TOPICS
from engine.shard import Shard
from tests.property.market import examples
from tests.simulation.lives import (
    CAPACITY,
    Life,
    Topics,
    identity,
    last_identities,
    new_life,
    restored_life,
)
from tests.simulation.logs import deep_log
from tests.strategies import Step, logs

_BATCHES = st.sampled_from([1, 7, 1_000])
_PARTS = st.lists(st.floats(0, 1), min_size=len(IDENTIFIED_TOPICS), max_size=len(IDENTIFIED_TOPICS))


def _kept(topics: Topics, parts: list[float], *, at_least: int = -1) -> Topics:
    """Cut each topic somewhere behind what the commands up to an offset caused."""
    kept = {}
    for part, (topic, values) in zip(parts, topics.items(), strict=True):
        certain = sum(identity(value)[0] <= at_least for value in values)
        kept[topic] = values[: certain + round((len(values) - certain) * part)]
    return kept


def _joined(first: Topics, second: Topics) -> Topics:
    return {topic: first[topic] + second[topic] for topic in IDENTIFIED_TOPICS}


@settings(max_examples=examples(75), deadline=None)
@given(log=logs, parts=_PARTS, batch=_BATCHES)
def test_a_crash_anywhere_loses_nothing_and_repeats_nothing(
    log: list[Step], parts: list[float], batch: int
) -> None:
    clean = new_life().run(log, batch=1)
    kept = _kept(clean.topics, parts)
    again = Life(Shard(0, CAPACITY), last_identities(kept)).run(log, batch=batch)
    assert _joined(kept, again.topics) == clean.topics
    assert again.shard.digest() == clean.shard.digest()


@settings(max_examples=examples(75), deadline=None)
@given(log=logs, saved=st.floats(0, 1), parts=_PARTS, batch=_BATCHES)
def test_nor_does_one_after_which_a_snapshot_is_gone_on_from(
    log: list[Step], saved: float, parts: list[float], batch: int
) -> None:
    clean = new_life().run(log, batch=batch)
    snapshot = round(saved * (len(log) - 1))
    state = new_life().run(log[: snapshot + 1], batch=batch).shard.state()
    # A snapshot is taken when all that its commands caused is kept.
    kept = _kept(clean.topics, parts, at_least=snapshot)
    again = restored_life(state, last_identities(kept)).run(log, batch=batch)
    assert _joined(kept, again.topics) == clean.topics
    assert again.shard.digest() == clean.shard.digest()
    again.shard.check()


def test_one_crash_after_another_in_a_long_life() -> None:
    log = deep_log(seed=31, count=3_000)
    clean = new_life().run(log, batch=100)
    life, kept = new_life(), {topic: list[bytes]() for topic in IDENTIFIED_TOPICS}
    for number, end in enumerate(range(250, len(log), 250)):
        life.run(log[:end], batch=1 + 37 * number % 100)
        kept = _joined(kept, _kept(life.topics, [0.2, 0.9, 0.5, 1.0]))
        saved = min(end, _first_missing(kept, clean.topics)) // 2
        state = new_life().run(log[:saved], batch=64).shard.state()
        life = restored_life(state, last_identities(kept))
    life.run(log, batch=7)
    assert _joined(kept, life.topics) == clean.topics
    assert life.shard.digest() == clean.shard.digest()


def _first_missing(kept: Topics, clean: Topics) -> int:
    """Give the first command that not all records are kept of."""
    missing = [values[len(kept[topic]) :] for topic, values in clean.items()]
    return min(identity(values[0])[0] for values in missing if values)


@settings(max_examples=examples(50), deadline=None)
@given(logs)
def test_identities_rise_on_every_topic_and_every_command_is_answered(log: list[Step]) -> None:
    topics = new_life().run(log, batch=7).topics
    for values in topics.values():
        identities = list(map(identity, values))
        assert identities == sorted(set(identities))
    answered = {identity(value)[0] for values in topics.values() for value in values}
    assert answered == set(range(len(log)))
