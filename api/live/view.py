"""The live view: the market as it is now, by the records read so far. Pure; `follower` feeds it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from msgspec import structs

from api.live.accounts import LiveAccounts
from api.live.answers import Answers, Told
from api.live.books import LiveBooks
from api.live.candles import INTERVALS_MS, SymbolCandles, bucket_start
from api.live.orders import LiveOrders, ReportHead, decode_head
from api.live.outcomes import Outcomes
from api.live.tickers import ticker
from api.live.trades import RecentTrades
from api.payloads import BookChange, BookLevels, Ticker
from engine.domain import ExecutionType, Reason
from engine.identity import SeenOutputs
from engine.log import LogRecord
from engine.messages import SENTENCES, Message
from engine.topics import ACCOUNTS, ASSETS, BOOK, EXECUTIONS, TRANSACTIONS
from engine.wire.records import (
    AssetRecord,
    Transaction,
    decode_account,
    decode_asset,
    decode_book,
    decode_execution,
    decode_transaction,
    encode,
)

BOOK_TAIL_MAX = 20_000
"""How many records a view reads before it is sure of the books: the engine writes whole ones more often."""
# A command's reports can only be parted where the engine filled a whole Kafka batch (512 KiB).
_PARTED_BYTES_MIN = 256 * 1024

Positions: TypeAlias = dict[str, int]


@dataclass(slots=True)
class Changes:
    """What a batch of records changed, with the log offsets of what is streamed.

    Of accounts: the offset, the investor and the record as it came.
    """

    trades: list[tuple[int, Transaction]] = field(default_factory=list)
    books: list[tuple[int, BookLevels | BookChange]] = field(default_factory=list)
    executions: list[Told] = field(default_factory=list)
    accounts: list[tuple[int, str, bytes]] = field(default_factory=list)
    symbols: dict[str, None] = field(default_factory=dict)


class LiveView:
    """Everything that reads are answered from.

    Parameters
    ----------
    books_from_start : bool
        Whether the books are read from the log's first record.
    """

    def __init__(self, *, books_from_start: bool) -> None:
        self.time_ms = 0
        self.market_day_ms = 0
        self.assets: dict[str, AssetRecord] = {}
        self.trades: dict[str, RecentTrades] = {}
        self.candles: dict[str, SymbolCandles] = {}
        self.books = LiveBooks(from_start=books_from_start)
        self.orders = LiveOrders()
        self.accounts = LiveAccounts(self.last_price)
        self.answers = Answers()
        self.outcomes = Outcomes()
        self.positions: Positions = {}
        self._newest_answered = -1
        self._seen = {topic: SeenOutputs() for topic in (TRANSACTIONS, EXECUTIONS, ACCOUNTS, ASSETS)}

    def begin_at(
        self, topic: str, shard: int, *, position: int, last: tuple[int, int] | None, time_ms: int
    ) -> None:
        """Say that all of a topic's records before a position are in here already.

        Parameters
        ----------
        last : tuple of int
            Offset and index of the last of them, where that is known.
        time_ms : int
            Its time; 0 where that is not known.
        """
        self.positions[topic] = position
        if last is not None:
            self._seen[topic].start(shard, *last)
            if topic == EXECUTIONS:
                self._newest_answered = last[0]
        if topic != ACCOUNTS:
            self.time_ms = max(self.time_ms, time_ms)
        if topic == TRANSACTIONS and time_ms:
            self.market_day_ms = bucket_start(time_ms, INTERVALS_MS["1d"])

    def apply(self, records: Sequence[LogRecord], *, drained: bool = True) -> Changes:
        """Take in what was read from the topics.

        Parameters
        ----------
        records : sequence of LogRecord
            In each topic's order.
        drained : bool
            Whether the reader had no more at hand.

        Returns
        -------
        Changes
            What followers of the market need to be told. Cost O(records).
        """
        changes = Changes()
        by_topic: defaultdict[str, list[LogRecord]] = defaultdict(list)
        for record in records:
            by_topic[record.topic].append(record)
        self._apply_assets(by_topic[ASSETS], changes)
        self._apply_transactions(by_topic[TRANSACTIONS], changes)
        self._apply_books(by_topic[BOOK], changes)
        self._apply_accounts(by_topic[ACCOUNTS], changes)
        self._apply_executions(by_topic[EXECUTIONS], changes, drained=drained)
        self.positions.update((topic, read[-1].offset + 1) for topic, read in by_topic.items() if read)
        return changes

    def last_price(self, symbol: str) -> float | None:
        """Give the price of a symbol's newest trade, or its reference price before the first."""
        trades = self.trades.get(symbol)
        if trades is not None:
            return trades.last_price
        asset = self.assets.get(symbol)
        return None if asset is None else asset.reference_price

    def ticker(self, symbol: str) -> Ticker:
        """Give a listed asset's row."""
        asset = self.assets[symbol]
        candles = self.candles.get(symbol)
        trades = self.trades.get(symbol)
        return ticker(
            asset,
            candles,
            self.books[symbol],
            market_day_ms=self.market_day_ms,
            market_ms=self.time_ms,
            time_ms=asset.time_ms if trades is None else trades.last_ms,
        )

    def _apply_assets(self, records: Sequence[LogRecord], changes: Changes) -> None:
        seen = self._seen[ASSETS]
        for record in records:
            if record.value is not None and seen.is_new(asset := decode_asset(record.value)):
                self.assets[asset.symbol] = asset
                self.outcomes.done(asset.offset, asset.symbol)
                changes.symbols[asset.symbol] = None
                self.time_ms = max(self.time_ms, asset.time_ms)

    def _apply_transactions(self, records: Sequence[LogRecord], changes: Changes) -> None:
        seen = self._seen[TRANSACTIONS]
        by_symbol: defaultdict[str, list[Transaction]] = defaultdict(list)
        for record in records:
            if record.value is not None and seen.is_new(trade := decode_transaction(record.value)):
                changes.trades.append((record.offset, trade))
                by_symbol[trade.symbol].append(trade)
        for symbol, trades in by_symbol.items():
            if symbol not in self.trades:
                self.trades[symbol], self.candles[symbol] = RecentTrades(symbol), SymbolCandles()
            self.trades[symbol].add(trades)
            self.candles[symbol].add(
                [trade.time_ms for trade in trades],
                [trade.price for trade in trades],
                [trade.quantity for trade in trades],
            )
            changes.symbols[symbol] = None
        if changes.trades:
            newest_ms = changes.trades[-1][1].time_ms
            self.time_ms = max(self.time_ms, newest_ms)
            self.market_day_ms = bucket_start(newest_ms, INTERVALS_MS["1d"])

    def _apply_books(self, records: Sequence[LogRecord], changes: Changes) -> None:
        for record in records:
            if record.value is None:
                continue
            book = decode_book(record.value)
            changed = self.books.apply(book)
            if changed is not None:
                changes.books.append((record.offset, changed))
                changes.symbols[book.symbol] = None
                self.time_ms = max(self.time_ms, book.time_ms)

    def _apply_accounts(self, records: Sequence[LogRecord], changes: Changes) -> None:
        seen = self._seen[ACCOUNTS]
        for record in records:
            if record.value is not None and seen.is_new(account := decode_account(record.value)):
                self.accounts.apply(account)
                self.outcomes.done(account.offset, account.investor_id)
                changes.accounts.append((record.offset, account.investor_id, record.value))

    def _apply_executions(self, records: Sequence[LogRecord], changes: Changes, *, drained: bool) -> None:
        seen = self._seen[EXECUTIONS]
        told = changes.executions
        for record in records:
            value = record.value
            if value is None or not seen.is_new(report := decode_head(value)):
                continue
            value = as_told(report, value)
            if report.execution_type is ExecutionType.REJECTED:
                self.outcomes.refused(report.offset, value)
            self.orders.apply(report, value)
            told.append((record.offset, report, value))
        self.answers.add(told)
        if told:
            newest = told[-1][1]
            self.time_ms = max(self.time_ms, newest.time_ms)
            self._newest_answered = newest.offset
        whole = drained and sum(len(record.value or b"") for record in records) < _PARTED_BYTES_MIN
        self.answers.settle(through=self._newest_answered if whole else self._newest_answered - 1)


def as_told(head: ReportHead, value: bytes) -> bytes:
    """Give a report as its investor is told it: who asks for another's order is not to learn of it."""
    if head.reason is not Reason.NOT_OWNER:
        return value
    report = decode_execution(value)
    sentence = SENTENCES[Message.NO_OPEN_ORDER]
    message = sentence.template.format(order_id=report.order_id)
    return encode(structs.replace(report, reason=sentence.reason, message=message))


def ends_reached(positions: Mapping[str, int], ends: Mapping[str, int]) -> bool:
    """Tell whether every topic was read to an end."""
    return all(positions[topic] >= end for topic, end in ends.items())
