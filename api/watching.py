"""A database that is asked about once a second, to see whether it answers."""

from __future__ import annotations

from typing import Final

AWAY_MAX_S: Final = 3.0
"""A database that has not answered for longer is away."""
LOOK_EVERY_S: Final = 1.0


class AnswerWatch:
    """Knows for how long a database has left a question unanswered; its clock never goes back."""

    def __init__(self) -> None:
        self._asked_s: float | None = None
        self._error = ""

    def asking(self, now_s: float) -> None:
        """Note that the database is asked."""
        if self._asked_s is None:
            self._asked_s = now_s

    def failed(self, error: str) -> None:
        """Note that it did not answer, and why."""
        self._error = error.strip().partition("\n")[0]

    def answered(self) -> None:
        """Note that it answered."""
        self._asked_s, self._error = None, ""

    def why_away(self, now_s: float) -> str | None:
        """Say why it counts as away; None when it does not."""
        if self._asked_s is None or now_s - self._asked_s <= AWAY_MAX_S:
            return None
        return self._error or "it has not answered"
