"""The API as somebody at the page may use it, by the client library."""

from __future__ import annotations

from typing import TypeVar

from homebroker.client import Act, Ask, Client, RefusedError, Ticker, asks

_T = TypeVar("_T")


class SignedInClient:
    """Asks on behalf of one person; the client remembers nobody, so that all may share it.

    Parameters
    ----------
    client : Client
        Speaks to the API.
    secret : str
        That of the person's browser session.
    """

    def __init__(self, client: Client, secret: str) -> None:
        self._client = client
        self._secret = secret

    def ask(self, ask: Ask[_T]) -> _T:
        """Send a request as the person and give its answer.

        Raises
        ------
        UnreachableError, RefusedError
            Nothing was done; `SignedOutError` because the secret is nobody's, or not any more.
        UnknownOutcomeError
            It may have been done.
        """
        return self._client.ask(ask, secret=self._secret)

    def has_account(self) -> bool:
        """Tell whether the person's account is open in the market; raises as `ask` does."""
        try:
            self.ask(asks.account())
        except RefusedError as error:
            if error.reason == "unknown_investor":
                return False
            raise
        return True

    def open_account(self) -> Act:
        """Open the person's account; open already, it stays as it is. Raises as `ask` does."""
        try:
            return self.ask(asks.open_account())
        except RefusedError as error:
            if error.reason == "duplicate_investor":
                return Act(status="done")
            raise


def assets(client: Client) -> list[Ticker]:
    """List what can be traded, by symbol; raises as `Client.ask` does."""
    listed = client.ask(asks.assets())
    return sorted(listed, key=lambda asset: asset.symbol)
