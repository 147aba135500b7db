"""The API as Python objects: the one module of the page's server that knows routes."""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final, TypeVar

import httpx
import msgspec

from dashboard.errors import (
    ApiError,
    RefusedError,
    SignedOutError,
    UnknownOutcomeError,
    UnreachableError,
)
from dashboard.payloads import (
    Account,
    Act,
    Asset,
    NewOrder,
    Order,
    OrderPreview,
    Position,
    Refusal,
    User,
)

TIMEOUT: Final = httpx.Timeout(5.0, connect=1.0)
"""Longer than the 2 s that the API itself waits for the engine's answer."""

_T = TypeVar("_T")


class Client:
    """Speaks to one API; safe to share between threads, and between people: it remembers nobody.

    Parameters
    ----------
    api_url : str
        Where the API listens, such as ``http://127.0.0.1:8000``.
    timeout : httpx.Timeout
        How long to wait for a connection and for an answer.
    """

    def __init__(self, api_url: str, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.api_url = api_url
        # Kept, a cookie of one person's answer would go out with everybody's next request.
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        self._http = httpx.Client(
            base_url=api_url, timeout=timeout, follow_redirects=False, trust_env=False, cookies=no_cookies
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def assets(self) -> list[Asset]:
        """List what can be traded, by symbol.

        Raises
        ------
        ApiError
            When the API is away or answers with an error.
        """
        return sorted(self.ask("GET", "/assets", list[Asset]), key=lambda asset: asset.symbol)

    def signed_in(self, secret: str) -> SignedInClient:
        """Speak for the person whose browser session has this secret."""
        return SignedInClient(self, secret)

    def ask(
        self, method: str, path: str, answer: type[_T], *, body: object = None, secret: str | None = None
    ) -> _T:
        """Send a request and give its answer.

        Raises
        ------
        UnreachableError, RefusedError
            Nothing was done; `SignedOutError` because the secret is nobody's, or not any more.
        UnknownOutcomeError
            It may have been done.
        """
        content = self._send(method, path, body=body, secret=secret)
        try:
            return msgspec.json.decode(content, type=answer)
        except msgspec.DecodeError as error:
            raise UnknownOutcomeError("unknown_outcome", _not_understood(self.api_url)) from error

    def tell(self, method: str, path: str, *, body: object, secret: str) -> None:
        """Send a request that is answered with nothing; raises as `ask` does."""
        self._send(method, path, body=body, secret=secret)

    def _send(self, method: str, path: str, *, body: object, secret: str | None) -> bytes:
        headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
        content = None
        if body is not None:
            content = msgspec.json.encode(body)
            headers["content-type"] = "application/json"
        try:
            response = self._http.request(method, path, content=content, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise UnreachableError(
                "unreachable", f"The market's API does not answer at {self.api_url}."
            ) from error
        except httpx.HTTPError as error:
            raise UnknownOutcomeError(
                "unknown_outcome", "The connection to the market broke before the answer came."
            ) from error
        if not response.is_success:
            raise _error(response)
        return response.content


class SignedInClient:
    """The routes of one person's own things. Every method raises `ApiError` as `Client.ask` does."""

    def __init__(self, client: Client, secret: str) -> None:
        self._client = client
        self._secret = secret

    def user(self) -> User:
        """Tell who that is."""
        return self.ask("GET", "/auth/me", User)

    def has_account(self) -> bool:
        """Tell whether the person's account is open in the market."""
        try:
            self.account()
        except RefusedError as error:
            if error.reason == "unknown_investor":
                return False
            raise
        return True

    def account(self) -> Account:
        """Give the person's cash."""
        return self.ask("GET", "/account", Account)

    def positions(self) -> list[Position]:
        """List the person's shares by symbol."""
        return self.ask("GET", "/positions", list[Position])

    def preferences(self) -> dict[str, Any]:
        """Give what the person saved of the page, by name."""
        return self.ask("GET", "/preferences", dict[str, Any])

    def save_preference(self, name: str, value: object) -> None:
        """Keep something of the page for the person's next visits."""
        self._client.tell("PUT", f"/preferences/{name}", body={"value": value}, secret=self._secret)

    def open_account(self) -> Act:
        """Open the account that belongs to the person; open already, it stays as it is."""
        try:
            return self.ask("POST", "/account", Act)
        except RefusedError as error:
            if error.reason == "duplicate_investor":
                return Act(status="done")
            raise

    def deposit(self, cash: float) -> Act:
        """Put play money in; sent twice, it comes in twice."""
        return self.ask("POST", "/account/deposits", Act, body={"cash": cash})

    def withdraw(self, cash: float) -> Act:
        """Take play money out; sent twice, it goes out twice."""
        return self.ask("POST", "/account/withdrawals", Act, body={"cash": cash})

    def preview(self, order: NewOrder) -> OrderPreview:
        """Reckon what an order would do now; nothing is placed."""
        return self.ask("POST", "/orders/preview", OrderPreview, body=order)

    def place(self, order: NewOrder) -> Order:
        """Send an order and say how the engine left it; sending the very same again is safe."""
        return self.ask("POST", "/orders", Order, body=order)

    def ask(self, method: str, path: str, answer: type[_T], *, body: object = None) -> _T:
        """Send any request as the person; raises as `Client.ask` does."""
        return self._client.ask(method, path, answer, body=body, secret=self._secret)


def _error(response: httpx.Response) -> ApiError:
    try:
        refusal = msgspec.json.decode(response.content, type=Refusal)
    except msgspec.DecodeError:
        refusal = Refusal()
    message = refusal.message or f"The market's API answered {response.status_code} without a reason."
    if response.status_code >= 500:
        return UnknownOutcomeError("unknown_outcome", message)
    if response.status_code == 401:
        return SignedOutError(refusal.reason, message)
    return RefusedError(refusal.reason, message)


def _not_understood(api_url: str) -> str:
    return f"The answer from {api_url} is not that of a Homebroker API; look at HOMEBROKER_API_URL."
