"""What an engine counts and measures, for Prometheus: of this process, as Prometheus counts."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SECONDS: Final = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
"""Upper bounds of what durations are sorted into: finest around the few milliseconds that an order takes."""

_COUNTS: Final = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000)

COMMANDS = Counter("homebroker_engine_commands", "Commands applied, those of a replay at the start too.")
BATCH_COMMANDS = Histogram(
    "homebroker_engine_batch_commands", "Commands that were read and applied at once.", buckets=_COUNTS
)
APPLY_SECONDS = Histogram(
    "homebroker_engine_apply_seconds", "Time to decode, match and encode a batch.", buckets=SECONDS
)
ANSWER_SECONDS = Histogram(
    "homebroker_engine_answer_seconds",
    "From the oldest command's timestamp in a batch until Kafka keeps all its outputs.",
    buckets=SECONDS,
)
LAG_COMMANDS = Gauge(
    "homebroker_engine_lag_commands", "Commands in the log that are not applied, as Kafka last said."
)
REQUESTS = Gauge("homebroker_engine_requests", "Requests of outputs that Kafka has not answered.")
SNAPSHOT_OFFSET = Gauge("homebroker_engine_snapshot_offset", "The last command in the newest snapshot saved.")
SNAPSHOT_PAUSE_SECONDS = Histogram(
    "homebroker_engine_snapshot_pause_seconds", "How long the market stood for a snapshot.", buckets=SECONDS
)
