"""Trades at a steady pace in one symbol, each at a price that tells which it was."""

from __future__ import annotations

import asyncio
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.domain import UNITS_PER_CURRENCY, Command, OpenAccount, Place, Side, TimeInForce
from engine.log import Connection, LogWriter
from engine.topics import ORDERS
from homebroker.simulator.opening import record_of

SYMBOL: Final = "PETR4"
RATE: Final = 50.0
"""Trades a second at which the page is watched."""
PRICES: Final = 400
"""Prices before they begin again: at 50 trades a second none is taken for another within 8 s."""
_FIRST_CENTAVOS: Final = 3_650
_SELLER, _BUYER = "bench-seller", "bench-buyer"

Floats = npt.NDArray[np.float64]


class Ticks:
    """What was traded: when each trade's orders were sent, by the trade's number."""

    def __init__(self) -> None:
        self.sent_ms: list[float] = []

    def numbers_of(self, prices: Sequence[float], seen_ms: Sequence[float]) -> list[int]:
        """Tell which trade each price was: the newest of that price sent by then; -1 where none was."""
        found = []
        for price, time_ms in zip(prices, seen_ms, strict=True):
            place = round(price * 100) - _FIRST_CENTAVOS
            newest = bisect_left(self.sent_ms, time_ms) - 1
            number = newest - (newest - place) % PRICES if 0 <= place < PRICES else -1
            found.append(max(number, -1))
        return found

    def delays_ms(
        self, prices: Sequence[float], seen_ms: Sequence[float], *, from_ms: float, to_ms: float
    ) -> Floats:
        """Give how long each trade sent in a span took until it, or a later one, was seen."""
        seen: list[tuple[int, float]] = []
        for number, time_ms in zip(self.numbers_of(prices, seen_ms), seen_ms, strict=True):
            if not seen or number > seen[-1][0]:
                seen.append((number, time_ms))
        numbers = [number for number, _ in seen]
        delays = []
        for number, sent_ms in enumerate(self.sent_ms):
            place = bisect_left(numbers, number)
            if from_ms <= sent_ms <= to_ms and place < len(seen):
                delays.append(seen[place][1] - sent_ms)
        return np.array(delays, dtype="float64")


@contextmanager
def ticking(connection: Connection, *, rate: float) -> Iterator[Ticks]:
    """Trade from a thread of its own for as long as the context lasts."""
    ticks, enough = Ticks(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_trade(connection, rate, ticks, enough)))
    thread.start()
    try:
        yield ticks
    finally:
        enough.set()
        thread.join()


async def _trade(connection: Connection, rate: float, ticks: Ticks, enough: threading.Event) -> None:
    async with LogWriter(connection) as writer:
        accounts: list[Command] = [
            OpenAccount(investor_id=each, unlimited=True) for each in (_SELLER, _BUYER)
        ]
        await writer.append_all(ORDERS, [record_of(command) for command in accounts])
        start_s = time.perf_counter()
        while not enough.is_set():
            number = len(ticks.sent_ms)
            await asyncio.sleep(max(0.0, start_s + number / rate - time.perf_counter()))
            ticks.sent_ms.append(time.time() * 1_000)
            await writer.append_all(ORDERS, [record_of(command) for command in _pair(number)])


def _pair(number: int) -> list[Command]:
    units = (_FIRST_CENTAVOS + number % PRICES) * UNITS_PER_CURRENCY // 100
    return [
        Place(
            order_id=f"bench-{time.time_ns()}-{investor_id}",
            investor_id=investor_id,
            symbol=SYMBOL,
            side=side,
            quantity=1,
            price_units=units,
            time_in_force=time_in_force,
        )
        for investor_id, side, time_in_force in (
            (_SELLER, Side.SELL, TimeInForce.DAY),
            (_BUYER, Side.BUY, TimeInForce.IOC),
        )
    ]
