"""What goes wrong between the page's server and the API."""

from __future__ import annotations


class ApiError(Exception):
    """A request that did not do what was asked.

    Parameters
    ----------
    reason : str
        One of the contract's words, or `unreachable`, `unknown_outcome`.
    message : str
        A sentence for the person at the page.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class UnreachableError(ApiError):
    """The API does not answer at its address: nothing was done."""


class RefusedError(ApiError):
    """The API or the engine said no: nothing was done."""


class SignedOutError(RefusedError):
    """The session has ended, or there never was one."""


class UnknownOutcomeError(ApiError):
    """The request went out and no clear answer came back: it may have been done."""
