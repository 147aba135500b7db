"""Crashes, simulated: an engine that dies between any two sends, on any topic, and starts again from the log.

Each output topic is an in-memory list here, so that thousands of crashes are cheap; the same is done with
real processes and the real broker in tests/kafka.
"""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain import Command, ListAsset, Malformed, OpenAccount
from engine.outputs import Identity, OutputRecord, Outputs
from engine.shard import Shard
from tests.strategies import INVESTORS, SYMBOL, commands

_OPENING: list[Command] = [
    ListAsset(
        symbol=SYMBOL, name="Petrobras", tick_size_units=100, lot_size=1, reference_price_units=100_000
    ),
    *(OpenAccount(investor_id=investor) for investor in INVESTORS),
    Malformed(message="a record that is no command"),
]
_NOTHING: Identity = (-1, -1)
Topics = dict[str, list[OutputRecord]]


def _run(log: list[Command], *, sent: dict[str, Identity] | None = None, batch: int = 1) -> Topics:
    shard, outputs = Shard(0), Outputs(0, sent or {})
    topics: Topics = {}
    for start in range(0, len(log), batch):
        for offset, command in enumerate(log[start : start + batch], start):
            # Timestamps that go back now and then, as producers' clocks do.
            time_ms = 1_790_000_000_000 + offset * 3_600_000 - (offset % 3) * 5_000_000
            events = shard.apply(command, offset=offset, time_ms=time_ms)
            outputs.add(events, offset=offset, time_ms=shard.time_ms)
        for topic, records in outputs.take().items():
            topics.setdefault(topic, []).extend(records)
    return topics


def _identity(record: OutputRecord) -> Identity:
    fields = msgspec.json.decode(record.value)
    return fields["offset"], fields["index"]


@settings(max_examples=150, deadline=None)
@given(st.lists(commands, max_size=40), st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_a_crash_anywhere_loses_nothing_and_repeats_nothing(
    sequence: list[Command], cuts: list[float]
) -> None:
    log = _OPENING + sequence
    clean = _run(log)
    kept = {
        topic: records[: round(len(records) * cut)]
        for (topic, records), cut in zip(sorted(clean.items()), cuts, strict=False)
    }
    sent = {topic: max(map(_identity, records), default=_NOTHING) for topic, records in kept.items()}
    again = _run(log, sent=sent)
    for topic, records in clean.items():
        assert kept.get(topic, []) + again.get(topic, []) == records


@settings(max_examples=100, deadline=None)
@given(st.lists(commands, max_size=60), st.sampled_from([7, 1_000]))
def test_the_same_log_gives_the_same_bytes_however_it_is_batched(sequence: list[Command], batch: int) -> None:
    assert _run(_OPENING + sequence, batch=batch) == _run(_OPENING + sequence)


@settings(max_examples=50, deadline=None)
@given(st.lists(commands, max_size=60))
def test_identities_rise_on_every_topic(sequence: list[Command]) -> None:
    log = _OPENING + sequence
    topics = _run(log)
    for records in topics.values():
        identities = [_identity(record) for record in records]
        assert identities == sorted(set(identities))
    answered = {_identity(record)[0] for records in topics.values() for record in records}
    assert answered == set(range(len(log))), "every command is answered"
