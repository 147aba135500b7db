"""Clients of a market whose parts are killed: one that follows it all, and one that trades and pays in.

They run in a thread of their own and come back by themselves, as any client does: a request without a clear
answer is sent again until it has one.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, defaultdict
from collections.abc import Awaitable
from itertools import count
from typing import Any

import httpx

from homebroker.client import (
    AsyncClient,
    Execution,
    NewOrder,
    RefusedError,
    Stream,
    Trade,
    UnknownOutcomeError,
    UnreachableError,
    asks,
)
from homebroker.client.asks import Ask
from homebroker.client.values import AccountChange, Level
from tests.market import TIMEOUT_S, wait_until

TRADER = "demo"
_PASSWORD = "demo-trader"
_DEPOSITS = 8
_PAUSE_S = 0.15


class Bystanders:
    """What they saw and did so far."""

    def __init__(self, api_url: str, symbol: str) -> None:
        self._url = api_url
        self._symbol = symbol
        self._trades_no_more = threading.Event()
        self._enough = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._failed: list[BaseException] = []
        self.streams: list[Stream] = []
        self.trades: defaultdict[str, list[str]] = defaultdict(list)
        self.executions: list[tuple[int, int]] = []
        self.accounts: list[tuple[int, int]] = []
        self.books: dict[str, tuple[list[Level], list[Level]]] = {}
        self.placed: list[str] = []
        self.paid_in = 0.0
        self.sent_again = 0

    def start(self) -> None:
        """Let them begin; returns once they are connected."""
        self._thread.start()
        wait_until(lambda: self.streams and self.placed, "the bystanders are connected and trade")

    def stop_trading(self) -> None:
        """Let nothing more be sent; they follow on."""
        self._trades_no_more.set()

    def check(self) -> None:
        """Fail as they failed, if they did."""
        for error in self._failed:
            raise error

    def stop(self) -> None:
        """End them."""
        self._trades_no_more.set()
        self._enough.set()
        if self._thread.ident is not None:
            self._thread.join(TIMEOUT_S)

    async def _run(self) -> None:
        async with (
            AsyncClient(self._url) as public,
            AsyncClient(self._url, username=TRADER, password=_PASSWORD) as own,
        ):
            self.streams = [public.follow(channels=("trades", "book")), own.follow_account()]
            work = [self._follow(stream) for stream in self.streams] + [self._trade(own)]
            tasks = [asyncio.create_task(self._watched(each)) for each in work]
            await asyncio.to_thread(self._enough.wait)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watched(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the test is told, in its own thread
            self._failed.append(error)

    async def _follow(self, stream: Stream) -> None:
        async with stream:
            async for event in stream:
                match event.data:
                    case Trade():
                        self.trades[event.data.symbol].append(event.data.transaction_id)
                    case Execution():
                        self.executions.append((event.data.offset, event.data.index))
                    case AccountChange():
                        self.accounts.append((event.data.offset, event.data.index))
                    case _:
                        pass
                self.books |= {name: (book.bids(), book.asks()) for name, book in stream.books.items()}

    async def _trade(self, client: AsyncClient) -> None:
        for number in count():
            if self._trades_no_more.is_set():
                return
            side = "sell" if number % 2 else "buy"
            name = f"bystander-{number}"
            order = NewOrder(
                symbol=self._symbol,
                side=side,
                quantity=100,
                type="market",
                time_in_force="ioc",
                client_order_id=name,
            )
            if await self._until_answered(client, asks.place(order)):
                self.placed.append(name)
            if number < _DEPOSITS and await self._until_answered(client, asks.deposit(1.25)):
                self.paid_in += 1.25
            await asyncio.sleep(_PAUSE_S)

    async def _until_answered(self, client: AsyncClient, ask: Ask[Any]) -> bool:
        """Tell whether it was done; it was not where it was refused."""
        while True:
            try:
                await client.ask(ask)
            except (UnknownOutcomeError, UnreachableError, httpx.HTTPError):
                self.sent_again += 1
            except RefusedError as error:
                if error.status != 429:
                    return False
            else:
                return True
            await asyncio.sleep(_PAUSE_S)


def differences(seen: list[Any], all_of_them: list[Any]) -> list[str]:
    """Tell what was missed, what was made up and what came twice, from the first that was seen on."""
    assert seen, "nothing was seen"
    wanted = all_of_them[all_of_them.index(seen[0]) :]
    were, came = set(wanted), Counter(seen)
    missed = [f"{each} was missed" for each in wanted if each not in came]
    made_up = [f"{each} never was" for each in seen if each not in were]
    twice = [f"{each} came {times} times" for each, times in came.items() if times > 1]
    found = missed + made_up + twice
    return found or ([] if seen == wanted else ["they came in another order"])
