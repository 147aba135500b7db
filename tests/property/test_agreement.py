"""The engine against the plain reference, event for event, over random logs of all commands."""

from __future__ import annotations

from hypothesis import given, settings

from engine.shard import Shard
from tests.property.market import examples, played
from tests.reference import ReferenceShard
from tests.strategies import Step, logs


@settings(max_examples=examples(400), deadline=None)
@given(logs)
def test_engine_and_reference_agree_event_for_event(log: list[Step]) -> None:
    shard, reference = Shard(0), ReferenceShard(0)
    both = zip(played(shard, log), played(reference, log), strict=True)
    for (step, events), (_, expected) in both:
        assert events == expected, step
        assert shard.book_snapshots() == reference.book_snapshots(), step
        shard.check()
