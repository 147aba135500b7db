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
        SNAPSHOTS: _KEEP_NEWEST,
    }
)
OUTPUT_TOPICS = (TRANSACTIONS, EXECUTIONS, ACCOUNTS, BOOK, ASSETS)
