"""The topics of the market and how each is kept."""

from __future__ import annotations

from types import MappingProxyType

ORDERS = "orders"
TRANSACTIONS = "transactions"
EXECUTIONS = "executions"
ACCOUNTS = "accounts"
BOOK = "book"
ASSETS = "assets"
SNAPSHOTS = "snapshots"

TIMESTAMP_AFTER_MAX_MS = 5_000

_KEEP_FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
_KEEP_NEWEST = {"cleanup.policy": "compact"}
_KEEP_NEWEST_OF_MUCH = {
    **_KEEP_NEWEST,
    # Kafka compacts only what is not in the newest segment, and by itself only when half of that is outdated.
    # A segment ends with either of these; a large snapshot is a few hundred MB.
    "segment.bytes": str(64 * 1024 * 1024),
    "segment.ms": str(60 * 60 * 1_000),
    "min.cleanable.dirty.ratio": "0.1",
}

TOPIC_SETTINGS = MappingProxyType(
    {
        ORDERS: {
            **_KEEP_FOR_EVER,
            "message.timestamp.type": "CreateTime",
            # The engine's clock is the log: nobody may run it ahead of the world's.
            "message.timestamp.after.max.ms": str(TIMESTAMP_AFTER_MAX_MS),
        },
        TRANSACTIONS: _KEEP_FOR_EVER,
        EXECUTIONS: _KEEP_FOR_EVER,
        ACCOUNTS: _KEEP_FOR_EVER,
        BOOK: _KEEP_FOR_EVER,
        ASSETS: _KEEP_NEWEST,
        SNAPSHOTS: _KEEP_NEWEST_OF_MUCH,
    }
)
OUTPUT_TOPICS = (TRANSACTIONS, EXECUTIONS, ACCOUNTS, BOOK, ASSETS)
