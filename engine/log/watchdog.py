"""Notices a reader that hangs: Kafka answers, there is something to read, and yet it does not move."""

from __future__ import annotations

from typing import Final

from aiokafka.errors import KafkaError

STUCK_AFTER_S: Final = 30.0
"""How long a reader may stand still before records; a busy one moves many times a second."""


class StuckReaderError(KafkaError):  # type: ignore[misc] # aiokafka has no types
    """The `LogError` of a reader that does not move; a new one begins where it stood."""


class Watchdog:
    """Watches one partition's reader. Pure: it is told how far the reader is, and when.

    Parameters
    ----------
    name : str
        What is read, for people.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._position = -1
        self._moved_s: float | None = None

    def look(self, *, position: int, end: int, now_s: float) -> None:
        """Take in how far the reader is.

        Parameters
        ----------
        position : int
            The offset that it reads next.
        end : int
            The offset that the partition's next record will get.
        now_s : float
            The time of a clock that only goes forward.

        Raises
        ------
        StuckReaderError
            When it has stood before records for 30 s.
        """
        if position != self._position or position >= end or self._moved_s is None:
            self._position, self._moved_s = position, now_s
        elif now_s - self._moved_s > STUCK_AFTER_S:
            raise StuckReaderError(
                f"{self._name} has {end - position:,} records from offset {position:,} on, but none was read "
                f"for {STUCK_AFTER_S:.0f} s"
            )


def trouble_of(error: Exception) -> str:
    """Say in a few words what is wrong where reading or writing failed."""
    return "a reader of Kafka hangs" if isinstance(error, StuckReaderError) else "Kafka is away"
