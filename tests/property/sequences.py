"""A long run of random logs, each of its own seed, on the engine beside the reference.

    python -m tests.property.sequences --count 100000

After every command both must have said the same, money and shares must be conserved, what open orders need
must be held, and nobody limited may owe anything. A failure names the seed, which repeats it alone:

    python -m tests.property.sequences --first 4711 --count 1
"""

from __future__ import annotations

import argparse
import pickle
import sys
from random import Random
from typing import NamedTuple

from engine.domain import Level
from engine.shard import Shard
from engine.state import ShardState
from tests.property.ledger import Ledger
from tests.reference import ReferenceShard
from tests.scenarios import Exchange
from tests.simulation.lives import CAPACITY
from tests.strategies import OPENING, Step, log_of, session_of

_SEEDS = 2**24
_COMMANDS_MIN = 20
_COMMANDS_MAX = 80
_TELL_EVERY = 1_000


class Market:
    """The engine and the reference side by side, and the ledger of what they say."""

    def __init__(self, shard: Shard, reference: ReferenceShard, ledger: Ledger) -> None:
        self.shard, self.reference, self.ledger = shard, reference, ledger

    def run(self, log: list[Step]) -> None:
        """Run commands on both, and check what must hold after each."""
        for offset, step in enumerate(log, start=self.shard.offset + 1):
            events = self.shard.apply(step.command, offset=offset, time_ms=step.time_ms)
            expected = self.reference.apply(step.command, offset=offset, time_ms=step.time_ms)
            assert events == expected, step
            self.ledger.follow(step, events)
            self.ledger.check_conserved()
            self.ledger.check_held()
            self.ledger.check_covered()
        assert _levels(self.shard) == _levels(self.reference)
        self.shard.check()


def _levels(exchange: Exchange) -> dict[str, tuple[tuple[Level, ...], tuple[Level, ...]]]:
    return {book.symbol: (book.bids, book.asks) for book in exchange.book_snapshots()}


class Opened(NamedTuple):
    """A market behind the commands that all logs begin with, kept so that each need not run them again."""

    shard: ShardState
    others: bytes

    @classmethod
    def make(cls) -> Opened:
        """Open a market."""
        market = Market(Shard(0, CAPACITY), ReferenceShard(0), Ledger())
        market.run(log_of([]))
        return cls(market.shard.state(), pickle.dumps((market.reference, market.ledger)))

    def market(self) -> Market:
        """Give a market of its own that goes on from there."""
        return Market(Shard.restored(self.shard, CAPACITY), *pickle.loads(self.others))  # noqa: S301 - our own


def check_sequence(opened: Opened, seed: int) -> int:
    """Run the log of a seed; gives how many commands it had behind the opening."""
    dice = Random(seed)
    seeds = [dice.randrange(_SEEDS) for _ in range(dice.randint(_COMMANDS_MIN, _COMMANDS_MAX))]
    log = session_of(seeds) if seed % 3 == 0 else log_of(seeds)
    own = log[len(OPENING) :]
    opened.market().run(own)
    return len(own)


def main() -> None:
    """Run as many sequences as were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--first", type=int, default=0, help="the first sequence's seed")
    parser.add_argument("--count", type=int, default=100_000, help="how many sequences")
    asked = parser.parse_args()
    opened, commands = Opened.make(), 0
    for done, seed in enumerate(range(asked.first, asked.first + asked.count), start=1):
        try:
            commands += check_sequence(opened, seed)
        except AssertionError as error:
            raise SystemExit(f"The sequence of seed {seed} failed: {error}") from error
        if done % _TELL_EVERY == 0 or done == asked.count:
            sys.stdout.write(f"{done:,} sequences of {commands:,} commands passed\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
