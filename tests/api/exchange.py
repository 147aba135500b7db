"""An exchange without Kafka for the API's tests: the real engine, its real records, in memory."""

from __future__ import annotations

from collections import defaultdict

from engine.domain import (
    AccountChanged,
    AssetChanged,
    Command,
    Deposit,
    Event,
    Execution,
    ListAsset,
    OpenAccount,
    Place,
    Side,
    TimeInForce,
    Trade,
)
from engine.log import LogRecord
from engine.shard import Shard
from engine.topics import ACCOUNTS, ASSETS, BOOK, EXECUTIONS, TRANSACTIONS
from engine.wire.records import (
    Stamp,
    account_record,
    asset_record,
    book_record,
    encode,
    execution_record,
    transaction_record,
)

NOON_MS = 1_790_002_800_000
SYMBOLS = ("PETR4", "VALE3")
ME = "demo"


class Exchange:
    """Applies commands and keeps what the engine sends out, topic by topic."""

    def __init__(self) -> None:
        self.shard = Shard(0)
        self.offset = 0
        self.time_ms = NOON_MS
        self.records: list[LogRecord] = []
        self._ends: defaultdict[str, int] = defaultdict(int)

    def open(self) -> list[LogRecord]:
        """List the symbols and open the accounts."""
        start = len(self.records)
        self.list_all()
        for investor in (ME, "ana", "bia"):
            self.run(OpenAccount(investor_id=investor, unlimited=True))
            self.run(Deposit(investor_id=investor, cash_units=10_000_000))
        return self.records[start:]

    def list_all(self, *, maker_fee_ppm: int = 0, taker_fee_ppm: int = 0) -> None:
        """List the symbols, or list them again with other fees."""
        for symbol in SYMBOLS:
            listing = ListAsset(
                symbol=symbol,
                name=f"{symbol} name",
                tick_size_units=100,
                lot_size=1,
                reference_price_units=100_000,
                maker_fee_ppm=maker_fee_ppm,
                taker_fee_ppm=taker_fee_ppm,
            )
            self.run(listing)

    def run(self, command: Command, *, books: bool = True) -> list[LogRecord]:
        """Apply a command; gives the records that it caused."""
        start = len(self.records)
        places: defaultdict[str, int] = defaultdict(int)
        stamp = Stamp(0, self.offset, self.time_ms)
        for event in self.shard.apply(command, offset=self.offset, time_ms=self.time_ms):
            topic, key = _address(event)
            self._append(topic, key, encode(_record(event, stamp, places[topic])))
            places[topic] += 1
        if books:
            for change in self.shard.take_book_changes():
                self._append(BOOK, change.symbol, encode(book_record(change, 0)))
        self.offset += 1
        return self.records[start:]

    def snapshot_books(self) -> list[LogRecord]:
        """Write whole books, as a starting engine does."""
        start = len(self.records)
        for book in self.shard.book_snapshots():
            self._append(BOOK, book.symbol, encode(book_record(book, 0)))
        return self.records[start:]

    def place(
        self, order_id: str, side: Side, quantity: int, price: float, **fields: object
    ) -> list[LogRecord]:
        """Place a limit order of ana's, unless told otherwise."""
        chosen: dict[str, object] = {
            "investor_id": "ana",
            "symbol": "PETR4",
            "time_in_force": TimeInForce.GTC,
            "price_units": round(price * 10_000),
        }
        command = Place(order_id=order_id, side=side, quantity=quantity, **(chosen | fields))  # type: ignore[arg-type]
        return self.run(command)

    def _append(self, topic: str, key: str, value: bytes) -> None:
        self.records.append(LogRecord(topic, 0, self._ends[topic], self.time_ms, key.encode(), value))
        self._ends[topic] += 1


def _address(event: Event) -> tuple[str, str]:
    match event:
        case Trade():
            return TRANSACTIONS, event.symbol
        case Execution():
            return EXECUTIONS, event.investor_id
        case AccountChanged():
            return ACCOUNTS, event.investor_id
        case AssetChanged():
            return ASSETS, event.symbol


def _record(event: Event, stamp: Stamp, index: int) -> object:
    match event:
        case Trade():
            return transaction_record(event, stamp, index)
        case Execution():
            return execution_record(event, stamp, index)
        case AccountChanged():
            return account_record(event, stamp, index)
        case AssetChanged():
            return asset_record(event, stamp, index)
