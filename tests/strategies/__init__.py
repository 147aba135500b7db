"""Hypothesis strategies for commands of every kind, narrow enough that orders meet.

A command is thrown with dice of one seed each: so thousands are drawn in no time, and a log that shows a bug
shrinks to the few commands that it takes.
"""

from tests.strategies.logs import Step, commands, log_of, logs, session_of
from tests.strategies.markets import INVESTORS, LIMITED, OPENING, START_MS, SYMBOL

__all__ = [
    "INVESTORS",
    "LIMITED",
    "OPENING",
    "START_MS",
    "SYMBOL",
    "Step",
    "commands",
    "log_of",
    "logs",
    "session_of",
]
