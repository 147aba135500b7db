"""The log: Kafka's topics read from a position and written in order. Only this package knows aiokafka.

No reader joins a consumer group or commits an offset: every one says where it starts. Writers are idempotent
and wait for all replicas. `raw_reading`, `raw_writing` and `membership` are the engine's own and imported by
their names: what others use of the log needs no compiler.
"""

from __future__ import annotations

from engine.log.connection import BrokenLogError, Connection, LogError, LostLogError, end_tasks
from engine.log.reading import LogReader, LogRecord, read_between
from engine.log.sealing import EncodedRecords
from engine.log.topics import make_topics, missing_topics
from engine.log.watchdog import StuckReaderError, Watchdog, trouble_of
from engine.log.writing import LogWriter, NewRecord

__all__ = [
    "BrokenLogError",
    "Connection",
    "EncodedRecords",
    "LogError",
    "LogReader",
    "LogRecord",
    "LogWriter",
    "LostLogError",
    "NewRecord",
    "StuckReaderError",
    "Watchdog",
    "end_tasks",
    "make_topics",
    "missing_topics",
    "read_between",
    "trouble_of",
]
