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

from homebroker.client import asks
from homebroker.client.asks import Ask
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
    Act,
    Book,
    BookChange,
    Candle,
    CandleChange,
    DailyPosition,
    Execution,
    NewOrder,
    Order,
    OrderPreview,
    OrderType,
    PastExecution,
    Position,
    Refusal,
    Side,
    Ticker,
    TimeInForce,
    Trade,
    User,
)

__all__ = [
    "Account",
    "AccountChange",
    "AccountSnapshot",
    "Act",
    "ApiKey",
    "Ask",
    "AsyncClient",
    "Book",
    "BookChange",
    "BrokenChainError",
    "Candle",
    "CandleChange",
    "Client",
    "ClientError",
    "DailyPosition",
    "Event",
    "Execution",
    "LocalBook",
    "NewOrder",
    "Notice",
    "Order",
    "OrderPreview",
    "OrderType",
    "Password",
    "PastExecution",
    "Pauses",
    "Position",
    "Refusal",
    "RefusedError",
    "Side",
    "SignedOutError",
    "Stream",
    "Ticker",
    "TimeInForce",
    "Trade",
    "UnknownOutcomeError",
    "UnreachableError",
    "UnreadableEventError",
    "User",
    "asks",
]
