"""The market's no to a command."""

from __future__ import annotations

from engine.domain import Reason


class Refusal(Exception):  # noqa: N818 - a refusal is the market's answer, not an error of the program
    """A command that the rules do not allow.

    Parameters
    ----------
    reason : Reason
        The rule that was broken.
    message : str
        A sentence that a trader understands.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
