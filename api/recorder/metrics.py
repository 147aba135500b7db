"""What a recorder counts and measures, for Prometheus: of this process, as Prometheus counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from engine.metrics import SECONDS

RECORDS = Counter("homebroker_recorder_records", "Records of the log that are in the history now.")
WRITE_SECONDS = Histogram(
    "homebroker_recorder_write_seconds", "Time to write a batch and commit it.", buckets=SECONDS
)
LAG_RECORDS = Gauge(
    "homebroker_recorder_lag_records", "Records of the log that the history lacks.", ("topic",)
)
