"""Makes all compiled code ready, so that no command waits for the compiler."""

from __future__ import annotations

from collections.abc import Callable

from engine import batches
from engine.domain import ListAsset, OpenAccount
from engine.kernel.compile import is_kept
from engine.kernel.layout import Capacity
from engine.outputs import Outputs
from engine.shard import Shard
from engine.wire import reader
from engine.wire.rows import CommandRows

_SMALL = Capacity(
    orders=4_096,
    levels=4_096,
    nodes=4_096,
    assets=4,
    accounts=4,
    positions=512,
    ids=1 << 14,
    text_chunks=4_096,
    changed_levels=1 << 15,
)


def load() -> None:
    """Load the compiled code from the cache, or compile it where it is not kept yet.

    Cost: a second, or some dozens.
    """
    batches.warm_up()
    reader.warm_up()
    shard, outputs = Shard(0, _SMALL), Outputs(0, {})
    listing = ListAsset(symbol="A", name="A", tick_size_units=1, lot_size=1, reference_price_units=1)
    commands = CommandRows(shard.investors, shard.symbols)
    commands.add(listing, 0, 0)
    commands.add(OpenAccount(investor_id="a"), 1, 0)
    shard.apply_all(commands, outputs.add)
    shard.take_book_changes()
    shard.book_snapshots()
    shard.order("a")


def main(say: Callable[[str], None]) -> None:
    """Compile what is not kept yet, saying so first."""
    if not is_kept():
        say("Compiling the matching engine, once; this takes about half a minute …")
    load()
