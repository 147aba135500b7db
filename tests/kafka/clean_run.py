"""What the output topics must hold, whatever happened to the processes: what a clean run of the log gives."""

from __future__ import annotations

import msgspec

from engine.identity import SeenBooks
from engine.log import Connection, LogReader, read_between
from engine.outputs import Outputs
from engine.shard import Shard
from engine.topics import ACCOUNTS, ASSETS, BOOK, EXECUTIONS, ORDERS, TRANSACTIONS
from engine.wire.commands import decode_command
from engine.wire.records import decode_book

_PRODUCED = (TRANSACTIONS, EXECUTIONS, ACCOUNTS, ASSETS)


async def topic_values(connection: Connection, topic: str) -> list[tuple[int, int, bytes]]:
    """Read a topic whole: offset, timestamp and value of each record."""
    async with LogReader(connection) as reader:
        end = await reader.end_offset(topic, 0)
    return [
        (record.offset, record.time_ms, record.value or b"")
        async for batch in read_between(connection, topic, 0, 0, end)
        for record in batch
    ]


async def clean_run(connection: Connection) -> tuple[Shard, dict[str, list[bytes]]]:
    """Run the log in memory, as an engine that nothing ever happened to would."""
    shard, outputs = Shard(0), Outputs(0, {})
    for offset, time_ms, value in await topic_values(connection, ORDERS):
        events = shard.apply(decode_command(value), offset=offset, time_ms=time_ms)
        outputs.add(events, offset=offset, time_ms=shard.time_ms)
    return shard, {topic: [record.value for record in records] for topic, records in outputs.take().items()}


async def seen_once(connection: Connection, topic: str) -> list[bytes]:
    """Read an output topic as our readers do, less what was sent twice."""
    seen: dict[tuple[int, int], bytes] = {}
    for _, _, value in await topic_values(connection, topic):
        fields = msgspec.json.decode(value)
        assert seen.setdefault((fields["offset"], fields["index"]), value) == value
    return list(seen.values())


async def all_answered(connection: Connection) -> bool:
    """Tell whether the log's last command has its execution report."""
    async with LogReader(connection) as reader:
        last = await reader.end_offset(ORDERS, 0) - 1
    values = await topic_values(connection, EXECUTIONS)
    return bool(values) and msgspec.json.decode(values[-1][2])["offset"] >= last


async def check_outputs(connection: Connection) -> Shard:
    """Check that every output topic holds what a clean run gives; gives the market as it then is."""
    shard, expected = await clean_run(connection)
    for topic in _PRODUCED:
        assert await seen_once(connection, topic) == expected[topic], topic
    await _check_books(connection, shard)
    return shard


async def _check_books(connection: Connection, shard: Shard) -> None:
    books: dict[str, dict[str, dict[float, tuple[float, int, int]]]] = {}
    seen = SeenBooks()
    for _, _, value in await topic_values(connection, BOOK):
        record = decode_book(value)
        if not seen.is_new(record):
            continue
        if record.snapshot:
            books[record.symbol] = {"bids": {}, "asks": {}}
        for side in ("bids", "asks"):
            for level in getattr(record, side):
                books[record.symbol][side].pop(level[0], None)
                if level[1]:
                    books[record.symbol][side][level[0]] = level
    for whole in shard.book_snapshots():
        for side in ("bids", "asks"):
            rebuilt = sorted(books[whole.symbol][side].values(), reverse=side == "bids")
            levels = [(x.price_units / 10_000, x.quantity, x.order_count) for x in getattr(whole, side)]
            assert rebuilt == levels, whole.symbol
