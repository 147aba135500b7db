"""What stops a start, as a sentence for the person who started it."""

from __future__ import annotations

EXIT_CANNOT_START = 2
"""The exit code of a process that says in a sentence why it cannot run as things are."""


class StartError(Exception):
    """Something outside the program is not as it must be; the message says what, and what to do."""
