"""A market in which everything happens, at random, for views and histories of it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from engine.domain import (
    Amend,
    Cancel,
    CancelAll,
    Command,
    Deposit,
    KillSwitch,
    ListAsset,
    Phase,
    Place,
    SelfTrade,
    SetLimits,
    SetPhase,
    Side,
    TimeInForce,
    Withdraw,
)
from engine.log import LogRecord
from engine.topics import OUTPUT_TOPICS
from tests.api.exchange import ME, SYMBOLS, Exchange

INVESTORS = (ME, "ana", "bia")
LATE_SYMBOL = "LATE3"
_STEPS_MS = (0, 0, 0, 1, 40, 900, 1_000, 7_000, 61_000, 4_000_000, 90_000_000)


def random_exchange(seed: int, commands: int) -> Exchange:
    """Play commands of all kinds; ids come twice, orders are refused, days pass."""
    dice = random.Random(seed)
    exchange = Exchange()
    exchange.open()
    for number, command in enumerate(_commands(dice, exchange, commands)):
        exchange.time_ms += dice.choice(_STEPS_MS)
        exchange.run(command)
        if number % 40 == 39:
            exchange.snapshot_books()
    return exchange


def order_ids(exchange_commands: int) -> list[str]:
    """Give all ids that orders of a random market may have."""
    return [f"o-{number}" for number in range(exchange_commands)]


def _terms(dice: random.Random, time_ms: int) -> dict[str, Any]:
    time_in_force = dice.choice([TimeInForce.GTC, TimeInForce.GTD, TimeInForce.DAY, TimeInForce.IOC])
    return {
        "time_in_force": time_in_force,
        "expires_at_ms": time_ms + dice.choice(_STEPS_MS) if time_in_force is TimeInForce.GTD else None,
        "display_quantity": dice.choice([None, None, None, 1]),
        "post_only": dice.random() < 0.1,
        "self_trade": dice.choice([SelfTrade.NONE, SelfTrade.NONE, SelfTrade.EXPIRE_TAKER]),
    }


def _commands(dice: random.Random, exchange: Exchange, count: int) -> Iterator[Command]:
    for number in range(count):
        investor_id, kind = dice.choice(INVESTORS), dice.random()
        symbol = dice.choice((*SYMBOLS, LATE_SYMBOL) if number > count // 2 else SYMBOLS)
        earlier = f"o-{dice.randint(max(0, number - 12), number)}"
        if number == count // 2:
            yield ListAsset(
                symbol=LATE_SYMBOL,
                name="late",
                tick_size_units=100,
                lot_size=1,
                reference_price_units=100_000,
                taker_fee_ppm=300,
            )
        elif kind < 0.70:
            yield Place(
                order_id=earlier if dice.random() < 0.15 else f"o-{number}",
                investor_id=investor_id,
                symbol="NONE3" if dice.random() < 0.03 else symbol,
                side=dice.choice(list(Side)),
                quantity=dice.randint(1, 9),
                price_units=100_000 + 100 * dice.randint(-4, 4),
                **_terms(dice, exchange.time_ms),
            )
        elif kind < 0.78:
            yield Cancel(order_id=earlier, investor_id=investor_id)
        elif kind < 0.85:
            price_units = 100_000 + 100 * dice.randint(-4, 4)
            yield Amend(
                order_id=earlier,
                investor_id=investor_id,
                quantity=dice.randint(1, 9),
                price_units=price_units,
            )
        else:
            yield _rare(dice, investor_id, symbol)


def _rare(dice: random.Random, investor_id: str, symbol: str) -> Command:
    return dice.choice(
        [
            CancelAll(investor_id=investor_id),
            Deposit(investor_id=investor_id, symbol=symbol, quantity=dice.randint(1, 99)),
            Withdraw(investor_id=investor_id, cash_units=dice.randint(1, 99)),
            SetLimits(investor_id=investor_id, open_orders_max=dice.choice([3, None])),
            KillSwitch(investor_id=investor_id, on=True),
            KillSwitch(investor_id=investor_id, on=False),
            KillSwitch(investor_id=investor_id, on=False),
            SetPhase(symbol=symbol, phase=dice.choice([Phase.HALTED, Phase.CONTINUOUS, Phase.CONTINUOUS])),
        ]
    )


def by_topic(records: Sequence[LogRecord]) -> dict[str, list[LogRecord]]:
    """Give each topic's records."""
    return {topic: [record for record in records if record.topic == topic] for topic in OUTPUT_TOPICS}


def repeated(records: Sequence[LogRecord], dice: random.Random) -> list[LogRecord]:
    """Let an engine that was cut off write some records of a topic again."""
    cut = dice.randint(0, len(records))
    again = records[max(cut - dice.randint(0, 5), 0) :]
    return [record._replace(offset=place) for place, record in enumerate([*records[:cut], *again])]
