"""A strategy in the live market, on a paper account of its own."""

from __future__ import annotations

import asyncio
import time
from itertools import groupby
from typing import Final

from engine.domain import OPEN_STATUSES, TIME_MS_MAX, Command, Deposit, Execution, OpenAccount
from engine.log import Connection, LogReader, LogWriter, NewRecord
from engine.topics import ASSETS, ORDERS
from engine.units import units_from_decimal
from engine.wire.commands import command_key, encode_command
from homebroker.research.arguments import check_amount, check_one_symbol
from homebroker.research.blocking import run_blocking
from homebroker.research.book_at import market_at
from homebroker.research.ladder import Ladder
from homebroker.research.reading import SHARD, Request, open_topic, read_table
from homebroker.research.topics import TOPICS
from homebroker.settings import Settings
from homebroker.strategy.backtest import Account
from homebroker.strategy.desk import Desk
from homebroker.strategy.feed import FEED_TOPICS, Feed, Heard, in_order
from homebroker.strategy.report import Report
from homebroker.strategy.session import Session
from homebroker.strategy.strategy import Strategy, check_strategy

SECONDS_MAX: Final = 7 * 86_400.0
_READ_WAIT_MS: Final = 20
_GOODBYE_S: Final = 3.0
_UNANSWERED: Final = "pending"


def trade_live(strategy: Strategy, symbol: str, *, seconds: float, account: Account | None = None) -> Report:
    """Run a strategy in the live market for a while, on a new paper account.

    The strategy is told what `backtest` tells it, as it happens; its orders are commands in the market's log
    like everybody's. At the end, an interrupt included, its open orders are cancelled.

    Parameters
    ----------
    strategy : Strategy
        Who decides; used up by the run.
    symbol : str
        What it trades.
    seconds : float
        How long, at most a week.
    account : Account, optional
        What the account begins with; 1,000,000 and short sales where left out.

    Returns
    -------
    Report
        What came of it.

    Raises
    ------
    NoMarketError
        When no market answers, or stops answering; says how to start one.
    ValueError
        When the symbol is not listed.
    """
    check_strategy(strategy)
    check_one_symbol(symbol)
    check_amount(seconds, most=SECONDS_MAX, name="seconds")
    if account is not None and not isinstance(account, Account):
        raise TypeError("The account is no hb.Account; make one, or leave it out.")
    return run_blocking(_trade(Settings().connection, strategy, symbol, seconds, account or Account()))


async def _trade(
    connection: Connection, strategy: Strategy, symbol: str, seconds: float, account: Account
) -> Report:
    async with open_topic(connection, ORDERS) as reader, LogWriter(connection) as writer:
        # In this order: what the log had when it was run is in the book, all later comes from the topics.
        starts = {(topic, SHARD): await reader.end_offset(topic, SHARD) for topic in FEED_TOPICS}
        desk, ladder, offset = await _desk(connection, symbol, account)
        reader.start(starts)
        live = _Live(reader, writer, Session(strategy, desk, ladder), offset)
        await live.send(_opening(desk, account))
        try:
            await live.run(seconds, strategy.timer_ms)
        finally:
            await live.stop()
        return Report(live.session.journal)


async def _desk(connection: Connection, symbol: str, account: Account) -> tuple[Desk, Ladder, int]:
    """Give the desk at its start, and the offset of the newest command that its book knows of."""
    found = await read_table(connection, TOPICS[ASSETS], Request(wanted={"symbol": symbol}), progress=False)
    if not found.num_rows:
        raise ValueError(f"{symbol} is not listed; hb.assets() shows what is.")
    asset = found.slice(found.num_rows - 1).to_pylist()[0]
    shard = await market_at(connection, TIME_MS_MAX, progress=False)
    ladder = Ladder()
    for book in shard.book_snapshots():
        if book.symbol == symbol:
            ladder.take(book)
    desk = Desk(
        symbol=symbol,
        investor_id=f"paper-{_now_ms():x}",
        tick_units=units_from_decimal(asset["tick_size"]),
        lot_size=asset["lot_size"],
        cash_units=units_from_decimal(account.cash),
        position=account.shares,
        ladder=ladder,
    )
    return desk, ladder, shard.offset


def _opening(desk: Desk, account: Account) -> list[Command]:
    commands: list[Command] = [OpenAccount(investor_id=desk.investor_id, unlimited=account.unlimited)]
    if account.cash:
        commands.append(Deposit(investor_id=desk.investor_id, cash_units=units_from_decimal(account.cash)))
    if account.shares:
        commands.append(Deposit(investor_id=desk.investor_id, symbol=desk.symbol, quantity=account.shares))
    return commands


class _Live:
    """A session between the market's topics and its log."""

    def __init__(self, reader: LogReader, writer: LogWriter, session: Session, offset: int) -> None:
        self.session = session
        self._reader = reader
        self._writer = writer
        self._offset = offset
        self._feed = Feed()

    async def run(self, seconds: float, timer_ms: int | None) -> None:
        ends_s = time.monotonic() + seconds
        await self.send(self.session.start(_now_ms()))
        due_s = time.monotonic() + (timer_ms or 0) / 1_000
        while time.monotonic() < ends_s:
            await self.send(await self._observe())
            if timer_ms is not None and time.monotonic() >= due_s:
                due_s = max(due_s + timer_ms / 1_000, time.monotonic())
                await self.send(self.session.tick(_now_ms()))

    async def stop(self) -> None:
        """Cancel what is open, and wait a moment for the market to say so."""
        await self.send(self.session.stop(_now_ms()))
        ends_s = time.monotonic() + _GOODBYE_S
        while time.monotonic() < ends_s and self._is_waiting():
            await self._observe()

    async def send(self, commands: list[Command]) -> None:
        if commands:
            records = [NewRecord(command_key(command), encode_command(command)) for command in commands]
            await asyncio.shield(self._writer.append_all(ORDERS, records))

    async def _observe(self) -> list[Command]:
        heard = [self._feed.event(record) for record in await self._reader.read(wait_ms=_READ_WAIT_MS)]
        ours = filter(self._is_ours, in_order(heard))
        commands: list[Command] = []
        for (_, happened_ms), events in groupby(ours, key=lambda each: (each.offset, each.time_ms)):
            commands += self.session.observe([each.event for each in events], happened_ms, _now_ms())
        return commands

    def _is_ours(self, heard: Heard) -> bool:
        desk = self.session.desk
        if heard.offset <= self._offset or heard.event.symbol not in {desk.symbol, ""}:
            return False
        return not isinstance(heard.event, Execution) or heard.event.investor_id == desk.investor_id

    def _is_waiting(self) -> bool:
        orders = self.session.journal.orders.values()
        return any(order.status == _UNANSWERED or order.status in OPEN_STATUSES for order in orders)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
