"""What collected outputs say, as the values that a reader of the topics would find."""

from __future__ import annotations

from collections.abc import Iterable

from engine.identity import SeenBooks
from engine.outputs import OutputBatches
from engine.shard import Shard
from engine.stored_outputs import values_of
from engine.wire.records import decode_book


def values_by_topic(outputs: OutputBatches) -> dict[str, list[bytes]]:
    """Give each topic's values, in order."""
    encoded = {
        topic: [value for batch in batches for value in values_of(batch)]
        for topic, batches in outputs.encoded.items()
    }
    return encoded | {topic: [record.value for record in records] for topic, records in outputs.plain.items()}


def check_books(values: Iterable[bytes], shard: Shard) -> None:
    """Check that the records of `book` end in the books that a market has."""
    books: dict[str, dict[str, dict[float, tuple[float, int, int]]]] = {}
    seen = SeenBooks()
    for value in values:
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
