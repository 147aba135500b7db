"""What the reference makes of a log, as the records of the topics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from engine.domain import AccountChanged, AssetChanged, Event, Execution
from engine.outputs import IDENTIFIED_TOPICS
from engine.topics import ACCOUNTS, ASSETS, EXECUTIONS, TRANSACTIONS
from engine.wire.commands import decode_command
from engine.wire.records import (
    Stamp,
    account_record,
    asset_record,
    encode,
    execution_record,
    transaction_record,
)
from tests.reference import ReferenceShard
from tests.simulation.lives import Topics, order_record
from tests.strategies import Step


def reference_topics(log: Sequence[Step]) -> Topics:
    """Give the records that must come of a log, by topic."""
    shard = ReferenceShard(0)
    topics: Topics = {topic: [] for topic in IDENTIFIED_TOPICS}
    for offset, step in enumerate(log):
        command = decode_command(order_record(step.command))
        events = shard.apply(command, offset=offset, time_ms=step.time_ms)
        stamp, counts = Stamp(0, offset, shard.time_ms), Counter[str]()
        for event in events:
            topic = _topic_of(event)
            topics[topic].append(encode(_record(event, stamp, counts[topic])))
            counts[topic] += 1
    return topics


def _topic_of(event: Event) -> str:
    match event:
        case Execution():
            return EXECUTIONS
        case AccountChanged():
            return ACCOUNTS
        case AssetChanged():
            return ASSETS
    return TRANSACTIONS


def _record(event: Event, stamp: Stamp, index: int) -> Struct:
    match event:
        case Execution():
            return execution_record(event, stamp, index)
        case AccountChanged():
            return account_record(event, stamp, index)
        case AssetChanged():
            return asset_record(event, stamp, index)
    return transaction_record(event, stamp, index)
