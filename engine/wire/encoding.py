"""Events out: the kernel's rows as batches of Kafka records, without a Python object a record."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from engine.domain import ID_LENGTH_MAX, Liquidity
from engine.events import EventRows
from engine.kernel.compile import called, compiled, inlined
from engine.kernel.layout import LIQUIDITIES, NONE, EventKind
from engine.kernel.memory import Array
from engine.topics import ACCOUNTS, EXECUTIONS, TRANSACTIONS
from engine.wire.event_json import put_account, put_execution, put_transaction
from engine.wire.event_rows import (
    SOURCES,
    account_event_at,
    command_at,
    execution_at,
    investor_text,
    order_at,
    point_to,
    position_at,
    symbol_text,
)
from engine.wire.framing import (
    BATCH,
    BATCHES_AT_ONCE,
    ENCODING,
    FRAME_BYTES_MAX,
    PLACE,
    close_record,
    has_room,
    open_record,
    put_key,
    take_index,
)
from engine.wire.json_text import OVERSHOOT_BYTES

ENCODED_TOPICS: Final = (TRANSACTIONS, EXECUTIONS, ACCOUNTS)
"""The topics that an encoder writes, in the order of the rows of `already_sent`."""

_EXECUTION: Final = int(EventKind.EXECUTION)
_ACCOUNT: Final = int(EventKind.ACCOUNT)
_MAKER: Final = LIQUIDITIES.index(Liquidity.MAKER)

# The texts of an order or account have at most 64 characters of four bytes, escaped or not, and stand at most
# three times in a record; those of a command, which may be malformed, are counted besides.
_TEXT_BYTES_MAX: Final = ID_LENGTH_MAX * 4
_RECORD_BYTES_MAX: Final = 1024 + 3 * 4 * _TEXT_BYTES_MAX + FRAME_BYTES_MAX + OVERSHOOT_BYTES
_POSITION_BYTES_MAX: Final = 512
_FIRST_BUFFER_BYTES: Final = 1 << 16
_FIRST_BATCHES: Final = 8


class RecordBatch(Struct, frozen=True, kw_only=True):
    """Records ready to be sent, but for the header of their batch.

    `records` stays as it is until the encoder's next `take`.
    """

    records: memoryview
    count: int
    first_time_ms: int
    max_time_ms: int


class EventEncoder:
    """Makes the records of `transactions`, `executions` and `accounts`.

    Parameters
    ----------
    shard : int
        The number that every record carries.
    already_sent : ndarray
        The last identity (offset, index) on each of `ENCODED_TOPICS`, shape (3, 2), int64, or (-1, -1);
        records up to it are left out.
    """

    def __init__(self, shard: int, already_sent: npt.NDArray[np.int64]) -> None:
        self._shard = shard
        self._topics: Array = np.zeros(len(ENCODED_TOPICS), ENCODING)
        self._topics["offset"] = NONE
        self._topics["sent_offset"] = already_sent[:, 0]
        self._topics["sent_index"] = already_sent[:, 1]
        self._sources: Array = np.zeros(1, SOURCES)
        self._filling, self._given = _Buffers(), _Buffers()
        self._filling.begin(self._topics)
        self._waiting: Array | None = None

    @property
    def skipped(self) -> int:
        """How many records were left out because they had been sent before."""
        return int(self._topics["skipped"].sum())

    def encode(self, rows: EventRows, *, is_whole: bool = True) -> None:
        """Add the records of events.

        Parameters
        ----------
        rows : EventRows
            What happened next; all arrays contiguous, and of the same kinds in every call.
        is_whole : bool
            Whether the last command's events end here. If not, the same batch's next ones follow, and rows
            that may be part of a record with them wait for them.
        """
        if self._waiting is not None:
            rows = rows._replace(events=np.concatenate([self._waiting, rows.events]))
            self._waiting = None
        done = _encode(rows, is_whole, self._shard, self._topics, self._sources)
        while done < len(rows.events):
            rows = rows._replace(events=rows.events[done:])
            if not self._filling.grow(self._topics):
                self._waiting = rows.events.copy()
                break
            done = _encode(rows, is_whole, self._shard, self._topics, self._sources)

    def take(self) -> dict[str, list[RecordBatch]]:
        """Give what was encoded since the last call: by topic, batches in order.

        Their bytes stay as they are until the next call; two buffers a topic take turns.
        """
        taken = self._filling.batches(self._topics["batches"].tolist())
        self._filling, self._given = self._given, self._filling
        self._filling.begin(self._topics)
        return dict(zip(ENCODED_TOPICS, taken, strict=True))


class _Buffers:
    """A buffer a topic, and the batches in it."""

    def __init__(self) -> None:
        self._bytes = [np.empty(_FIRST_BUFFER_BYTES, np.uint8) for _ in ENCODED_TOPICS]
        self._batches: list[Array] = [np.zeros(_FIRST_BATCHES, BATCH) for _ in ENCODED_TOPICS]
        self._place: Array = np.zeros(len(ENCODED_TOPICS), PLACE)
        self._measure()

    def _measure(self) -> None:
        self._place["buffer"] = [buffer.ctypes.data for buffer in self._bytes]
        self._place["size"] = [len(buffer) for buffer in self._bytes]
        self._place["batch_rows"] = [batches.ctypes.data for batches in self._batches]
        self._place["batches_max"] = [len(batches) for batches in self._batches]

    def begin(self, topics: Array) -> None:
        """Let the encoding go on here, from the buffers' beginnings."""
        topics["place"] = self._place
        topics["start"] = topics["batches"] = 0

    def grow(self, topics: Array) -> bool:
        """Make the room that the encoding wants, if it does; tell whether."""
        if not topics["wanted"].any():
            return False
        for topic, encoding in enumerate(topics):
            start, wanted = int(encoding["start"]), int(encoding["wanted"])
            old, batches = self._bytes[topic], self._batches[topic]
            if start + wanted > len(old):
                self._bytes[topic] = np.empty(max(2 * len(old), start + wanted), np.uint8)
                self._bytes[topic][:start] = old[:start]
            if encoding["batches"] + BATCHES_AT_ONCE > len(batches):
                self._batches[topic] = np.concatenate([batches, np.zeros_like(batches)])
        self._measure()
        topics["place"] = self._place
        return True

    def batches(self, counts: list[int]) -> list[list[RecordBatch]]:
        """Give so many batches of each topic."""
        return [
            [
                RecordBatch(
                    records=buffer.data[start:end],
                    count=records,
                    first_time_ms=first_time_ms,
                    max_time_ms=max_time_ms,
                )
                for start, end, records, first_time_ms, max_time_ms in batches[:count].tolist()
            ]
            for buffer, batches, count in zip(self._bytes, self._batches, counts, strict=True)
        ]


@compiled
def _encode(rows: EventRows, is_whole: bool, shard: int, topics: Array, places: Array) -> int:
    """Encode rows until there is no room or a record is not whole yet; give how many are done."""
    sources = places[0]
    point_to(sources, rows)
    transactions, executions, accounts = topics[0], topics[1], topics[2]
    transactions.wanted = executions.wanted = accounts.wanted = 0
    number, count = 0, len(rows.events)
    while number < count:
        event = execution_at(sources.events, number)
        command = command_at(sources.commands, event.command)
        end = number + 1
        if event.kind == _EXECUTION:
            is_trade = event.trade != NONE and event.liquidity == _MAKER
            if is_trade and end == count:
                break
            wanted = _RECORD_BYTES_MAX + _text_bytes(command)
            if not has_room(executions, wanted) or (is_trade and not has_room(transactions, wanted)):
                break
            if is_trade:
                _write_transaction(transactions, sources, number, shard)
            _write_execution(executions, sources, number, shard)
        elif event.kind == _ACCOUNT:
            end = _end_of_account(sources, number, count)
            if end == count and not is_whole:
                break
            if not has_room(accounts, _RECORD_BYTES_MAX + (end - number) * _POSITION_BYTES_MAX):
                break
            _write_account(accounts, sources, (number, end), shard)
        number = end
    return number


@inlined
def _text_bytes(command: Any) -> int:
    """Give how many bytes a record may need for its command's texts; ids stand there at most three times."""
    ids = command.id_length + command.client_length + command.investor_length + command.symbol_length
    return int(3 * ids + command.message_length)


@called
def _end_of_account(sources: Any, first: int, count: int) -> int:
    changed = account_event_at(sources.events, first)
    end = first + 1
    while end < count:
        row = account_event_at(sources.events, end)
        if row.kind != _ACCOUNT or row.command != changed.command or row.account != changed.account:
            break
        end += 1
    return end


@called
def _write_transaction(encoding: Any, sources: Any, maker: int, shard: int) -> None:
    taker = execution_at(sources.events, maker + 1)
    command = command_at(sources.commands, taker.command)
    position = position_at(sources.positions, order_at(sources.orders, taker.order).position)
    key, length = symbol_text(sources, position.asset)
    index = take_index(encoding, command.offset)
    is_written = index == NONE
    while not is_written:
        value = put_key(open_record(encoding, command.time_ms), key, length)
        end = put_transaction(value, sources, maker, shard, index)
        is_written = close_record(encoding, value, end, command.time_ms)


@called
def _write_execution(encoding: Any, sources: Any, number: int, shard: int) -> None:
    event = execution_at(sources.events, number)
    command = command_at(sources.commands, event.command)
    if event.order != NONE:
        position = position_at(sources.positions, order_at(sources.orders, event.order).position)
        key, length = investor_text(sources, position.account)
    else:
        key = sources.text + command.text + command.id_length + command.client_length
        length = command.investor_length
    index = take_index(encoding, command.offset)
    is_written = index == NONE
    while not is_written:
        value = put_key(open_record(encoding, command.time_ms), key, length)
        end = put_execution(value, sources, number, shard, index)
        is_written = close_record(encoding, value, end, command.time_ms)


@called
def _write_account(encoding: Any, sources: Any, numbers: tuple[int, int], shard: int) -> None:
    changed = account_event_at(sources.events, numbers[0])
    command = command_at(sources.commands, changed.command)
    key, length = investor_text(sources, changed.account)
    index = take_index(encoding, command.offset)
    is_written = index == NONE
    while not is_written:
        value = put_key(open_record(encoding, command.time_ms), key, length)
        end = put_account(value, sources, numbers, shard, index)
        is_written = close_record(encoding, value, end, command.time_ms)
