"""The two clients: one for asyncio, which also follows streams, and one without."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final, Self, TypeVar

import httpx

from homebroker.client.answers import answer_of, broken, request_of
from homebroker.client.asks import Ask
from homebroker.client.credentials import ApiKey, Credentials, Nobody, Password
from homebroker.client.errors import ClientError, RefusedError, SignedOutError
from homebroker.client.pauses import Pauses
from homebroker.client.stream import SILENCE_MAX_S, Stream

TIMEOUT: Final = httpx.Timeout(5.0, connect=1.0)
"""Longer than the 2 s that the API itself waits for the engine's answer."""
_STREAM_TIMEOUT: Final = httpx.Timeout(5.0, read=SILENCE_MAX_S)

_T = TypeVar("_T")


class AsyncClient:
    """Speaks to one API, for one user or for nobody.

    Parameters
    ----------
    api_url : str
        Where the API listens, such as ``http://127.0.0.1:8000``.
    username, password : str, optional
        Signs in when first needed, and again whenever a token's time is over.
    api_key : str, optional
        Instead of those.
    timeout : httpx.Timeout
        How long to wait for a connection and for an answer; streams wait as long as they live.
    """

    def __init__(
        self,
        api_url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        api_key: str | None = None,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self.api_url = api_url
        self._credentials = _credentials(username, password, api_key)
        self._renewing: asyncio.Task[bool] | None = None
        self._http = httpx.AsyncClient(timeout=timeout, **_options(api_url))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, ask: Ask[_T]) -> _T:
        """Send a request and give its answer.

        Raises
        ------
        UnreachableError, RefusedError
            Nothing was done; `SignedOutError` because the credentials are nobody's, or not any more.
        UnknownOutcomeError
            It may have been done.
        """
        try:
            return await self._sent(ask, self._credentials)
        except SignedOutError:
            if not await self._renewed():
                raise
            return await self._sent(ask, self._credentials)

    def follow(
        self,
        symbols: Sequence[str] = (),
        channels: Sequence[str] = ("trades", "book", "tickers"),
        *,
        last_event_id: str | None = None,
        pauses: Pauses | None = None,
    ) -> Stream:
        """Follow the market; without symbols all of it, also those to come.

        Parameters
        ----------
        channels : sequence of str
            Of ``trades``, ``book``, ``tickers``, ``candles:1m``; all but trades also at a pace, as in
            ``book:250ms``.
        last_event_id : str, optional
            Go on behind this event, which an earlier stream gave, on whichever server.
        pauses : Pauses, optional
            How long to wait before coming back after a break.
        """
        params = {"channels": ",".join(channels)} | ({"symbols": ",".join(symbols)} if symbols else {})
        return self._stream("/stream", params, last_event_id, pauses)

    def follow_account(self, *, last_event_id: str | None = None, pauses: Pauses | None = None) -> Stream:
        """Follow one's own orders and account; the parameters are those of `follow`."""
        return self._stream("/stream/account", {}, last_event_id, pauses)

    def _stream(
        self, path: str, params: Mapping[str, str], last_event_id: str | None, pauses: Pauses | None
    ) -> Stream:
        connect = partial(self._connected, path, params)
        return Stream(connect, self._renewed, last_event_id=last_event_id, pauses=pauses or Pauses())

    def _connected(
        self, path: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[httpx.Response]:
        sent = {"accept": "text/event-stream", **headers, **self._credentials.headers()}
        return self._http.stream("GET", path, params=params, headers=sent, timeout=_STREAM_TIMEOUT)

    async def _sent(self, ask: Ask[_T], credentials: Credentials) -> _T:
        try:
            response = await self._http.request(**request_of(ask, credentials.headers()))
        except httpx.HTTPError as error:
            raise broken(error, self.api_url) from error
        return answer_of(ask, response)

    async def _renewed(self) -> bool:
        # Used twice at once, a refresh token would count as copied: all who wait share one renewal.
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
        renewing = self._renewing
        try:
            return await asyncio.shield(renewing)
        finally:
            if renewing.done() and self._renewing is renewing:
                self._renewing = None

    async def _renew(self) -> bool:
        # False when the API says that these credentials are nobody's; when it says nothing, try again.
        for ask in self._credentials.renewals():
            try:
                self._credentials.renewed(await self._sent(ask, Nobody()))
            except RefusedError as error:
                if error.status == 429:
                    return True
                continue
            except ClientError:
                pass
            return True
        return False


class Client:
    """Asks without asyncio; safe to share between threads. Its parameters are those of `AsyncClient`."""

    def __init__(
        self,
        api_url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        api_key: str | None = None,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self.api_url = api_url
        self._credentials = _credentials(username, password, api_key)
        self._renewal = threading.Lock()
        self._http = httpx.Client(timeout=timeout, **_options(api_url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask(self, ask: Ask[_T], *, secret: str | None = None) -> _T:
        """Send a request and give its answer; with a `secret`, on behalf of whoever that one is of.

        Raises
        ------
        UnreachableError, RefusedError
            Nothing was done; `SignedOutError` because the credentials are nobody's, or not any more.
        UnknownOutcomeError
            It may have been done.
        """
        if secret is not None:
            return self._sent(ask, ApiKey(secret))
        try:
            return self._sent(ask, self._credentials)
        except SignedOutError:
            if not self._renewed():
                raise
            return self._sent(ask, self._credentials)

    def _sent(self, ask: Ask[_T], credentials: Credentials) -> _T:
        try:
            response = self._http.request(**request_of(ask, credentials.headers()))
        except httpx.HTTPError as error:
            raise broken(error, self.api_url) from error
        return answer_of(ask, response)

    def _renewed(self) -> bool:
        with self._renewal:
            for ask in self._credentials.renewals():
                try:
                    self._credentials.renewed(self._sent(ask, Nobody()))
                except RefusedError:
                    continue
                return True
        return False


def _credentials(username: str | None, password: str | None, api_key: str | None) -> Credentials:
    if api_key is not None:
        return ApiKey(api_key)
    if username is not None and password is not None:
        return Password(username, password)
    return Nobody()


def _options(api_url: str) -> dict[str, Any]:
    # Kept, a cookie of one answer would go out with every next request, whoever that is for.
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    # A stream is a connection: a pool of the usual hundred would make the next one wait.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    return {
        "base_url": api_url,
        "follow_redirects": False,
        "trust_env": False,
        "cookies": no_cookies,
        "limits": limits,
    }
