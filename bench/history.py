"""A seeded history: trades of many symbols, as rows of `transactions` and as records of the topic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from api.recorder.rows import TransactionRow
from engine.domain import Side
from engine.wire.records import Transaction, encode

INVESTORS: Final = 1_000
_START_MS: Final = 1_750_000_000_000
_SIDES: Final = ("buy", "sell")


def trades(
    count: int, *, symbols: int, first_offset: int = 0, trades_a_second: float = 1_000.0, seed: int = 1
) -> Iterator[TransactionRow]:
    """Make trades, oldest first, each of a command of its own; prices walk by ticks.

    Parameters
    ----------
    count : int
        How many.
    symbols : int
        They are spread over these by Zipf's law.
    first_offset : int
        The first command's offset; the same seed and another offset go on, in time, too.
    trades_a_second : float
        Of the market's time.
    """
    dice = np.random.default_rng(seed + first_offset)
    share = 1 / np.arange(1, symbols + 1)
    of_symbol = dice.choice(symbols, count, p=share / share.sum())
    ticks = 4_000 + np.cumsum(dice.integers(-1, 2, count)) % 500
    quantities = dice.integers(1, 1_000, count)
    buyers, sellers = dice.integers(0, INVESTORS, (2, count))
    sides = dice.integers(0, 2, count)
    offsets = first_offset + np.arange(count)
    times_ms = _START_MS + (offsets * 1_000 / trades_a_second).astype(np.int64)
    for offset, symbol, tick, quantity, buyer, seller, side, time_ms in zip(
        *(
            each.tolist()
            for each in (offsets, of_symbol, ticks, quantities, buyers, sellers, sides, times_ms)
        ),
        strict=True,
    ):
        yield TransactionRow(
            shard=0,
            offset=offset,
            index=0,
            time_ms=time_ms,
            symbol=f"BENCH{symbol:03d}",
            price=tick / 100,
            quantity=quantity,
            buyer_id=f"bench-{buyer:04d}",
            seller_id=f"bench-{seller:04d}",
            buy_order_id=f"b-{offset:010d}",
            sell_order_id=f"s-{offset:010d}",
            taker_side=_SIDES[side],
        )


def record(row: TransactionRow) -> bytes:
    """Give a row as the engine writes the trade."""
    return encode(
        Transaction(
            transaction_id=f"{row.shard}-{row.offset}-{row.index}",
            symbol=row.symbol,
            price=row.price,
            quantity=row.quantity,
            buyer_id=row.buyer_id,
            seller_id=row.seller_id,
            buy_order_id=row.buy_order_id,
            sell_order_id=row.sell_order_id,
            taker_side=Side(row.taker_side),
            time_ms=row.time_ms,
            shard=row.shard,
            offset=row.offset,
            index=row.index,
        )
    )
