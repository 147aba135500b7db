"""The history as the API reads it: what the recorder has written to the database."""

from __future__ import annotations

from api.history.reading import History, HistoryUnavailableError, QueryTooLongError
from api.history.transactions import BadCursorError, TransactionFilter
from api.history.watching import WRITTEN_TOPICS, HistoryWatch, records_behind

__all__ = [
    "WRITTEN_TOPICS",
    "BadCursorError",
    "History",
    "HistoryUnavailableError",
    "HistoryWatch",
    "QueryTooLongError",
    "TransactionFilter",
    "records_behind",
]
