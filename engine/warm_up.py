"""Makes all compiled code ready, so that no command waits for the compiler.

What is compiled falls into two halves of about the same work that need nothing of each other: `load` does one
after the other, `main` both at once.
"""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from typing import Final

from engine import batches
from engine.domain import ListAsset, OpenAccount
from engine.kernel.compile import CACHED, is_kept, note_kept
from engine.kernel.layout import Capacity
from engine.outputs import Outputs
from engine.shard import Happened, Shard
from engine.wire import reader
from engine.wire.rows import CommandRows

_SMALL: Final = Capacity(
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
_KERNEL: Final = "from engine import warm_up; warm_up.compile_kernel()"


def load() -> None:
    """Load the compiled code from the cache, or compile it where it is not kept yet.

    Cost: a tenth of a second, or some twenty.
    """
    _load_wire()
    _load_kernel()


def _load_wire() -> None:
    """Load what makes rows of records, and records of what happened."""
    batches.warm_up()
    reader.warm_up()
    shard = Shard(0, _SMALL)
    nothing = CommandRows(shard.investors, shard.symbols)
    Outputs(0, {}).add(Happened(shard.event_rows(nothing.commands, nothing.text), True, []))


def _load_kernel() -> None:
    """Load what applies commands, and what asks for books and orders."""
    shard = Shard(0, _SMALL)
    listing = ListAsset(symbol="A", name="A", tick_size_units=1, lot_size=1, reference_price_units=1)
    commands = CommandRows(shard.investors, shard.symbols)
    commands.add(listing, 0, 0)
    commands.add(OpenAccount(investor_id="a"), 1, 0)
    shard.apply_all(commands)
    shard.take_book_changes()
    shard.book_snapshots()
    shard.order("a")


def compile_kernel() -> None:
    """Compile the kernel's half in a process that ends then."""
    # A tenth of the time is the collector's, who looks through what the compiler needs until its end.
    gc.disable()
    _load_kernel()


def main(say: Callable[[str], None]) -> None:
    """Compile what is not kept yet, on two processors, saying so first."""
    if not CACHED or is_kept():
        load()
        return
    say("Compiling the matching engine, once; this takes some 15 seconds …")
    beside = subprocess.Popen([sys.executable, "-c", _KERNEL])  # noqa: S603 - our own Python with our own code
    try:
        gc.disable()
        _load_wire()
    finally:
        beside.wait()
    # What the other could not do is told here, where it is tried again.
    load()
    note_kept()


if __name__ == "__main__":
    main(print)
