"""`hb.follow`: what happens next."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, NamedTuple

from engine.identity import SeenBooks, SeenOutputs
from engine.log import LogRecord
from engine.topics import ACCOUNTS, ASSETS, BOOK, EXECUTIONS, ORDERS, TRANSACTIONS
from engine.wire.commands import decode_command
from engine.wire.records import (
    decode_account,
    decode_asset,
    decode_book,
    decode_execution,
    decode_transaction,
)
from homebroker.research.arguments import check_amount, check_limit, check_word
from homebroker.research.errors import UnreadableRecordError
from homebroker.research.pieces import UNREADABLE
from homebroker.research.reading import SHARD, open_topic
from homebroker.research.rows import LoggedCommand
from homebroker.settings import Settings

_WAIT_MS: Final = 500


class _Followed(NamedTuple):
    """How a topic's records become values, and what tells that one is no repeat."""

    decode: Callable[[LogRecord], Any]
    seen: Callable[[], Callable[[Any], bool]]


def _values(decode: Callable[[bytes], Any]) -> Callable[[LogRecord], Any]:
    return lambda record: decode(record.value or b"")


def _command(record: LogRecord) -> LoggedCommand:
    return LoggedCommand(offset=record.offset, time_ms=record.time_ms, command=decode_command(record.value))


def _outputs() -> Callable[[Any], bool]:
    return SeenOutputs().is_new


_FOLLOWED: Final = {
    TRANSACTIONS: _Followed(_values(decode_transaction), _outputs),
    EXECUTIONS: _Followed(_values(decode_execution), _outputs),
    ACCOUNTS: _Followed(_values(decode_account), _outputs),
    BOOK: _Followed(_values(decode_book), lambda: SeenBooks().is_new),
    ASSETS: _Followed(_values(decode_asset), _outputs),
    ORDERS: _Followed(_command, lambda: lambda _command: True),
}


async def follow(topic: str, *, limit: int | None = None, seconds: float | None = None) -> AsyncIterator[Any]:
    """Give a topic's records as they come, beginning with the next.

    Repeats that a restarted engine sends are left out. While Kafka is away, nothing comes.

    Parameters
    ----------
    topic : str
        `transactions`, `executions`, `accounts`, `book`, `assets` or `orders`.
    limit : int, optional
        Stop after so many records.
    seconds : float, optional
        Stop after so long.

    Yields
    ------
    Transaction, ExecutionReport, AccountRecord, BookRecord, AssetRecord or LoggedCommand
        Values with the topic's fields as attributes; of `orders`, the command with its offset and time.

    Raises
    ------
    NoMarketError
        When no market answers at the start.
    UnreadableRecordError
        At a record that no engine wrote.
    """
    check_word(topic, _FOLLOWED, what="topic to follow")
    followed = _FOLLOWED[topic]
    check_limit(limit)
    if seconds is not None:
        check_amount(seconds, most=math.inf, name="seconds")
    ends_s = math.inf if seconds is None else time.monotonic() + seconds
    left = limit
    is_new = followed.seen()
    async with open_topic(Settings().connection, topic) as reader:
        reader.start({(topic, SHARD): await reader.end_offset(topic, SHARD)})
        while (left_s := ends_s - time.monotonic()) > 0:
            for record in await reader.read(wait_ms=min(_WAIT_MS, math.ceil(1_000 * min(left_s, 1.0)))):
                value = _decoded(topic, followed, record)
                if not is_new(value):
                    continue
                yield value
                left = None if left is None else left - 1
                if left == 0:
                    return


def _decoded(topic: str, followed: _Followed, record: LogRecord) -> Any:
    try:
        return followed.decode(record)
    except UNREADABLE as error:
        raise UnreadableRecordError(topic, record.offset, str(error)) from None
