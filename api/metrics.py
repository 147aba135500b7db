"""What the API counts and measures, for Prometheus: of this process, as Prometheus counts."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from engine.metrics import SECONDS

REQUEST_SECONDS = Histogram(
    "homebroker_api_request_seconds",
    "From a request's head to its answer's head; of a stream, to its beginning.",
    ("method", "route", "status"),
    buckets=SECONDS,
)
_COMMAND_SECONDS = Histogram(
    "homebroker_api_command_seconds",
    "From a command's way into the log until the engine's answer to it was read back.",
    buckets=SECONDS,
)
_UNANSWERED = Counter("homebroker_api_unanswered_commands", "Commands without an answer within 2 s.")
_STREAM_WRITES = Counter(
    "homebroker_api_stream_writes",
    "Writes to listeners of streams, each of some events; about 20 µs of work.",
)


def count_stream_writes(writes: int) -> None:
    """Count what a round sent, one for each listener that it told."""
    _STREAM_WRITES.inc(writes)


def count_command(seconds: float, *, answered: bool) -> None:
    """Count a command that was sent to the engine, and what it took until the answer, if there was one."""
    if answered:
        _COMMAND_SECONDS.observe(seconds)
    else:
        _UNANSWERED.inc()
