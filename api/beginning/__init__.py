"""The live view as the history has it: a server that starts need not read the whole log.

HistoryStart.begin -> is it this log's? -> one snapshot of the database -> states, tape -> LiveView at a place
"""

from __future__ import annotations

from api.beginning.start import HistoryStart

__all__ = ["HistoryStart"]
