"""What listeners missed before the place where a view began: told to the feeds, not taken in twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.live.orders import decode_head
from api.live.view import Changes, as_told
from engine.identity import SeenOutputs
from engine.log import LogRecord
from engine.topics import ACCOUNTS, EXECUTIONS, TRANSACTIONS
from engine.wire.records import decode_account, decode_transaction

RETOLD_TOPICS = (TRANSACTIONS, EXECUTIONS, ACCOUNTS)


class Retelling:
    """Gives records again as changes, those before each topic's end and without repeats.

    Parameters
    ----------
    ends : mapping
        The offset of each topic at which the view begins.
    """

    def __init__(self, ends: Mapping[str, int]) -> None:
        self._ends = ends
        self._seen = {topic: SeenOutputs() for topic in RETOLD_TOPICS}

    def changes(self, records: Sequence[LogRecord]) -> Changes:
        """Give what records told when they were new. Cost O(records)."""
        changes = Changes()
        for record in records:
            value = record.value
            if value is None or record.offset >= self._ends[record.topic]:
                continue
            seen = self._seen[record.topic]
            if record.topic == TRANSACTIONS:
                if seen.is_new(trade := decode_transaction(value)):
                    changes.trades.append((record.offset, trade))
            elif record.topic == EXECUTIONS:
                if seen.is_new(report := decode_head(value)):
                    changes.executions.append((record.offset, report, as_told(report, value)))
            elif seen.is_new(account := decode_account(value)):
                changes.accounts.append((record.offset, account.investor_id, value))
        return changes
