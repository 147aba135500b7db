"""The market from a program of your own: REST and streams that miss nothing, over HTTP alone.

    from homebroker.client import AsyncClient, Trade, asks

    async with AsyncClient("http://127.0.0.1:8000", username="demo", password="…") as client:
        print(await client.ask(asks.book("PETR4", levels=5)))
        async with client.follow(["PETR4"], ["trades", "book"]) as stream:
            async for event in stream:
                if isinstance(event.data, Trade):
                    print(event.data.price, stream.books["PETR4"].bid)

`asks` names every question and the type of its answer; `Client` asks the same without asyncio. A stream
comes back by itself, from where it was, for as long as it is read.

    asks -> Client, AsyncClient -> HTTP
    AsyncClient.follow -> Stream -> EventReader (bytes to events) -> LocalBook (events to a book)
"""

from homebroker.client.book import BrokenChainError, LocalBook
from homebroker.client.client import AsyncClient, Client
from homebroker.client.credentials import ApiKey, Password
from homebroker.client.errors import (
    ClientError,
    RefusedError,
    SignedOutError,
    UnknownOutcomeError,
    UnreachableError,
    UnreadableEventError,
)
from homebroker.client.pauses import Pauses
from homebroker.client.stream import Event, Notice, Stream
from homebroker.client.values import (
    Account,
    AccountChange,
    AccountSnapshot,
    Book,
    BookChange,
    Candle,
    CandleChange,
    Execution,
    NewOrder,
    Order,
    Position,
    Ticker,
    Trade,
)

__all__ = [
    "Account",
    "AccountChange",
    "AccountSnapshot",
    "ApiKey",
    "AsyncClient",
    "Book",
    "BookChange",
    "BrokenChainError",
    "Candle",
    "CandleChange",
    "Client",
    "ClientError",
    "Event",
    "Execution",
    "LocalBook",
    "NewOrder",
    "Notice",
    "Order",
    "Password",
    "Pauses",
    "Position",
    "RefusedError",
    "SignedOutError",
    "Stream",
    "Ticker",
    "Trade",
    "UnknownOutcomeError",
    "UnreachableError",
    "UnreadableEventError",
]
