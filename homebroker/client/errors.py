"""What can go wrong between a program and the market."""

from __future__ import annotations


class ClientError(Exception):
    """A question that was not answered, or a command that was not done.

    Parameters
    ----------
    reason : str
        One of the API's words, or `unreachable`, `unknown_outcome`.
    message : str
        A sentence for people.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class UnreachableError(ClientError):
    """The API does not answer at its address: nothing was done."""


class RefusedError(ClientError):
    """The API or the engine said no: nothing was done.

    `retry_after_s` tells when to try again, where the API said so.
    """

    def __init__(self, reason: str, message: str, *, status: int, retry_after_s: float | None = None) -> None:
        super().__init__(reason, message)
        self.status = status
        self.retry_after_s = retry_after_s


class SignedOutError(RefusedError):
    """Nobody is signed in, or not any more."""


class UnknownOutcomeError(ClientError):
    """The request went out and no clear answer came back: it may have been done."""


class UnreadableEventError(ClientError):
    """A stream sent what no Homebroker API sends: the address is another program's, or too old a one's."""
