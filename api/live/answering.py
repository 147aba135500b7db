"""Whether the engine answers: each command causes an output, and where commands come alone it is away."""

from __future__ import annotations

from typing import Final

SILENT_MAX_S: Final = 10.0
"""An engine that has left commands unanswered for longer does not keep up."""


class Answering:
    """Looks at the ends of the log, about once a second.

    What it takes for an answer is any new output, so that it need not know which command caused it. A command
    that comes just as the answer to another is seen counts as answered until the next one comes.
    """

    def __init__(self) -> None:
        self._outputs = -1
        self._answered = 0
        self._waiting_since_s: float | None = None

    def look(self, *, commands: int, outputs: int, now_s: float) -> None:
        """Take the ends of the log.

        Parameters
        ----------
        commands : int
            The end of `orders`, asked for after those of the outputs.
        outputs : int
            The ends of all topics of outputs, summed.
        now_s : float
            A clock that never goes back.
        """
        if outputs != self._outputs:
            self._outputs, self._answered, self._waiting_since_s = outputs, commands, None
        elif commands > self._answered and self._waiting_since_s is None:
            self._waiting_since_s = now_s

    def silent_s(self, now_s: float) -> float:
        """Give for how long commands have waited without any answer, 0 where none do."""
        return 0.0 if self._waiting_since_s is None else now_s - self._waiting_since_s
