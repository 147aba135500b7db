"""`hb.follow`: what happens next."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from typing import Any

from homebroker.research.arguments import check_limit
from homebroker.research.reading import SHARD, open_topic
from homebroker.research.topics import TABLES
from homebroker.settings import Settings

_WAIT_MS = 500


async def follow(topic: str, *, limit: int | None = None, seconds: float | None = None) -> AsyncIterator[Any]:
    """Give a topic's records as they come, beginning with the next.

    Repeats that a restarted engine sends are left out. While Kafka is away, nothing comes.

    Parameters
    ----------
    topic : str
        `transactions`, `executions`, `accounts`, `book` or `orders`.
    limit : int, optional
        Stop after so many records.
    seconds : float, optional
        Stop after so long.

    Yields
    ------
    Transaction, ExecutionReport, AccountRecord, BookRecord or LoggedCommand
        Values with the topic's fields as attributes; of `orders`, the command with its offset and time.

    Raises
    ------
    NoMarketError
        When no market answers at the start.
    """
    table = TABLES.get(topic)
    if table is None:
        raise ValueError(f"{topic!r} is no topic to follow; choose one of {', '.join(TABLES)}.")
    check_limit(limit)
    if seconds is not None and not seconds > 0:
        raise ValueError(f"seconds={seconds} is no time to wait; give a positive number.")
    ends_s = math.inf if seconds is None else time.monotonic() + seconds
    left = limit
    is_new = table.seen()
    async with open_topic(Settings().connection, topic) as reader:
        reader.start({(topic, SHARD): await reader.end_offset(topic, SHARD)})
        while (left_s := ends_s - time.monotonic()) > 0:
            records = await reader.read(wait_ms=min(_WAIT_MS, math.ceil(1_000 * min(left_s, 1.0))))
            for record in filter(is_new, table.decode(records)):
                yield record
                left = None if left is None else left - 1
                if left == 0:
                    return
