"""A stream that comes back by itself, and goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Self, TypeAlias

import httpx
import msgspec
from msgspec import Struct

from homebroker.client.answers import error_of
from homebroker.client.book import BrokenChainError, LocalBook
from homebroker.client.errors import (
    RefusedError,
    SignedOutError,
    UnknownOutcomeError,
    UnreadableEventError,
)
from homebroker.client.events import EventReader, RawEvent
from homebroker.client.pauses import Pauses
from homebroker.client.values import (
    AccountChange,
    AccountSnapshot,
    Book,
    BookChange,
    CandleChange,
    Execution,
    Order,
    Ticker,
    Trade,
)

SILENCE_MAX_S: Final = 45.0
"""Without even a comment for so long (one is due every 15 s), a connection is dead."""


class Notice(Struct, frozen=True):
    """What the stream says of itself: `opened` (what it opens with is whole), or `reset`.

    After a `reset`, what is known of the market is void: events are missing, and a fresh view follows.
    """

    reason: str = ""
    message: str = ""


Data: TypeAlias = (
    Trade
    | Book
    | BookChange
    | CandleChange
    | Ticker
    | Execution
    | AccountChange
    | AccountSnapshot
    | list[Order]
    | Notice
)


class Event(Struct, frozen=True):
    """An event. Whoever keeps its `id` and begins another stream with it goes on behind it."""

    id: str
    name: str
    data: Data


_TYPES: Final[Mapping[str, Any]] = {
    "trade": Trade,
    "book_snapshot": Book,
    "book": BookChange,
    "candle": CandleChange,
    "ticker": Ticker,
    "execution": Execution,
    "account": AccountChange,
    "account_snapshot": AccountSnapshot,
    "orders_snapshot": list[Order],
    "opened": Notice,
    "reset": Notice,
}
_FAREWELLS: Final = frozenset({"dropped", "server_shutdown", "signed_out"})
_DECODERS: Final[Mapping[str, msgspec.json.Decoder[Data]]] = {
    name: msgspec.json.Decoder(kind) for name, kind in _TYPES.items()
}
_GIVEN_UP: Final = frozenset({400, 403, 404, 422})
Connect: TypeAlias = Callable[[Mapping[str, str]], AbstractAsyncContextManager[httpx.Response]]


class Stream:
    """Iterates over events, through as many connections as it takes. Use it in an `async with`, once.

    `books` are kept up to date before an event is given. `connections`, `resets` and `broken_chains` count
    what happened so far; the latter two stay 0 as long as nothing was missed.
    """

    def __init__(
        self,
        connect: Connect,
        sign_in: Callable[[], Awaitable[bool]],
        *,
        last_event_id: str | None,
        pauses: Pauses,
    ) -> None:
        self.last_event_id = last_event_id
        self.books: dict[str, LocalBook] = {}
        self.connections = 0
        self.resets = 0
        self.broken_chains = 0
        self._connect = connect
        self._sign_in = sign_in
        self._pauses = pauses
        self._events = self._follow()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._events.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """Give the next event.

        Raises
        ------
        RefusedError
            When the API does not take the question, or knows the caller no more.
        UnreadableEventError
            When what comes is not what a Homebroker API sends.
        """
        return await anext(self._events)

    async def _follow(self) -> AsyncGenerator[Event]:
        while True:
            wait_s = 0.0
            try:
                async with self._connect(self._headers()) as response:
                    await self._check(response)
                    reader = EventReader()
                    async for chunk in response.aiter_raw():
                        for event in self._taken(reader, chunk):
                            yield event
            except BrokenChainError as error:
                # The place is good, the book is not: only a stream from the beginning brings it whole.
                self.broken_chains += 1
                self.books.clear()
                last_id, self.last_event_id = self.last_event_id or "", None
                yield Event(last_id, "reset", Notice(error.reason, error.message))
            except SignedOutError:
                if not await self._sign_in():
                    raise
            except RefusedError as error:
                if error.status in _GIVEN_UP:
                    raise
                wait_s = error.retry_after_s or 0.0
            except (_FarewellError, UnknownOutcomeError, httpx.HTTPError):
                # The server stops or is away, or has too much to do: it is there again in a while.
                pass
            await asyncio.sleep(self._pauses.next_s(at_least_s=wait_s))

    def _headers(self) -> Mapping[str, str]:
        return {"last-event-id": self.last_event_id} if self.last_event_id else {}

    async def _check(self, response: httpx.Response) -> None:
        if response.status_code != 200:
            raise error_of(response.status_code, await response.aread(), response.headers)
        self.connections += 1

    def _taken(self, reader: EventReader, chunk: bytes) -> Iterator[Event]:
        for raw in reader.read(chunk):
            if raw.name in _FAREWELLS:
                raise _FarewellError
            decoder = _DECODERS.get(raw.name)
            data = None if decoder is None else _decoded(decoder, raw)
            self._keep(raw.name, data)
            self.last_event_id = raw.id
            self._pauses.begin_anew()
            # An event of a newer API has a name that says nothing to us.
            if data is not None:
                yield Event(raw.id, raw.name, data)

    def _keep(self, name: str, data: Data | None) -> None:
        match data:
            case Book():
                self.books.setdefault(data.symbol, LocalBook(data.symbol)).begin(data)
            case BookChange():
                self.books.setdefault(data.symbol, LocalBook(data.symbol)).apply(data)
            case Notice() if name == "reset":
                self.resets += 1
                self.books.clear()
            case _:
                pass


class _FarewellError(Exception):
    """The server has said that it ends the stream."""


def _decoded(decoder: msgspec.json.Decoder[Data], raw: RawEvent) -> Data:
    try:
        return decoder.decode(raw.data)
    except msgspec.DecodeError as error:
        raise UnreadableEventError(
            "unreadable_event", f"The event {raw.name} is not that of a Homebroker API: {error}."
        ) from error
