"""The table of positions grows without a moment at which all of them move."""

from __future__ import annotations

from functools import cache

import pytest

from engine.domain import Command, Deposit, ListAsset, OpenAccount, Place, Side
from tests.simulation.lives import new_life, restored_life
from tests.strategies import START_MS, Step

_INVESTORS = [f"i{number}" for number in range(64)]
_SYMBOLS = [f"S{number}" for number in range(80)]


@cache
def _log() -> tuple[Step, ...]:
    """Give all investors shares of one symbol after another, and let one of them offer what it had before."""
    commands: list[Command] = [
        *(
            ListAsset(symbol=symbol, name=symbol, tick_size_units=1, lot_size=1, reference_price_units=100)
            for symbol in _SYMBOLS
        ),
        *(OpenAccount(investor_id=investor) for investor in _INVESTORS),
    ]
    for number, symbol in enumerate(_SYMBOLS):
        commands += [Deposit(investor_id=investor, symbol=symbol, quantity=80) for investor in _INVESTORS]
        seller = _INVESTORS[number % len(_INVESTORS)]
        commands += [
            Place(
                order_id=f"{symbol}-{sold}",
                investor_id=seller,
                symbol=sold,
                side=Side.SELL,
                price_units=100,
                quantity=1,
            )
            for sold in _SYMBOLS[: number + 1 : 9]
        ]
    return tuple(Step(command, START_MS) for command in commands)


def test_every_position_is_found_whatever_the_table_and_the_next_one_hold() -> None:
    life, log = new_life(), _log()
    for end in (650, 1_200, 2_250, 3_400, len(log)):
        life.run(log[:end])
        life.shard.check()
    assert not [value for value in life.topics["executions"] if b"rejected" in value]


@pytest.mark.parametrize("cut", [400, 700, 1_150, 2_000, 2_193, 5_200])
def test_a_restored_market_goes_on_as_the_other_does(cut: int) -> None:
    log, clean, life = _log(), new_life(), new_life()
    clean.run(log)
    life = restored_life(life.run(log[:cut]).shard.state()).run(log)
    assert life.shard.digest() == clean.shard.digest()
