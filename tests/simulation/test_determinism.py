"""The same log gives the same bytes, the same books and the same state, however it is cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kernel.layout import Capacity
from tests.property.market import examples
from tests.simulation.lives import (
    CAPACITY,
    FollowedBooks,
    Life,
    books_after_each,
    new_life,
    restored_life,
)
from tests.simulation.logs import busy_log, deep_log, long_log
from tests.simulation.reference_records import reference_topics
from tests.strategies import Step, logs

_WHOLE = 1_000_000
_BATCHES = (1, 7, 1_000, _WHOLE)


def _check_equal(log: Sequence[Step], clean: Life, life: Life) -> None:
    assert life.topics == clean.topics
    assert life.shard.digest() == clean.shard.digest()
    assert (life.shard.offset, life.shard.time_ms) == (len(log) - 1, clean.shard.time_ms)


@settings(max_examples=examples(50), deadline=None)
@given(log=logs, batch=st.sampled_from(_BATCHES[1:]))
def test_however_it_is_batched(log: list[Step], batch: int) -> None:
    clean, life = new_life().run(log, batch=1), new_life().run(log, batch=batch)
    books = books_after_each(log)
    FollowedBooks(books).follow(clean.books)
    FollowedBooks(books).follow(life.books)
    _check_equal(log, clean, life)


@settings(max_examples=examples(50), deadline=None)
@given(log=logs, cuts=st.sets(st.integers(1, 80), max_size=5), batch=st.sampled_from(_BATCHES))
def test_wherever_another_machine_goes_on(log: list[Step], cuts: set[int], batch: int) -> None:
    clean, life = new_life().run(log), new_life()
    books, topics = books_after_each(log), dict[str, list[bytes]]()
    for end in [*sorted(cut for cut in cuts if cut < len(log)), len(log)]:
        life.run(log[:end], batch=batch)
        FollowedBooks(books).follow(life.books)
        topics = {topic: topics.get(topic, []) + values for topic, values in life.topics.items()}
        digest = life.shard.digest()
        life = restored_life(life.shard.state())
        assert life.shard.digest() == digest
    life.topics = topics
    _check_equal(log, clean, life)


@settings(max_examples=examples(50), deadline=None)
@given(logs)
def test_the_bytes_are_those_that_the_reference_makes(log: list[Step]) -> None:
    assert new_life().run(log, batch=7).topics == reference_topics(log)


@pytest.mark.parametrize("log_of", [long_log, deep_log])
def test_a_long_log_of_all_commands(log_of: Callable[..., list[Step]]) -> None:
    log = log_of(seed=1, count=2_500)
    books = books_after_each(log)
    clean = new_life().run(log, batch=1)
    assert clean.topics == reference_topics(log)
    FollowedBooks(books).follow(clean.books)
    for batch in _BATCHES[1:]:
        life = new_life().run(log, batch=batch)
        FollowedBooks(books).follow(life.books)
        _check_equal(log, clean, life)
        life.shard.check()


# None: the room of a real market, in which the largest arrays lie in memory of other pages.
@pytest.mark.parametrize("capacity", [CAPACITY, None])
def test_a_busy_market(capacity: Capacity | None) -> None:
    log = busy_log(seed=5, count=12_000)
    clean = new_life(capacity).run(log, batch=1)
    for batch in _BATCHES[1:]:
        _check_equal(log, clean, new_life(capacity).run(log, batch=batch))
    life, topics = new_life(capacity), {topic: list[bytes]() for topic in clean.topics}
    for start, end in pairwise(range(0, len(log) + 1_000, 1_000)):
        assert life.shard.offset == start - 1
        life.run(log[:end], batch=300)
        topics = {topic: topics[topic] + values for topic, values in life.topics.items()}
        life = restored_life(life.shard.state(), capacity=capacity)
    life.topics = topics
    _check_equal(log, clean, life)
    life.shard.check()
