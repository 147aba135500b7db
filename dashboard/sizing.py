"""How many shares an amount of money, or a part of what one has, comes to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from dashboard import formats
from dashboard.ticket import QUANTITY_MAX

Unit: TypeAlias = Literal["shares", "value", "percent"]
UNITS: Final[dict[Unit, str]] = {"shares": "Shares", "value": "R$", "percent": "%"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Free cash and shares, and what a lot costs or brings at the order's price."""

    available_cash: float
    free_shares: int
    lot_cash: float


def shares(amount: float, unit: Unit, side: str, lot_size: int, means: Means) -> int:
    """Give as many whole lots as an amount comes to; 0 where it is not enough for one.

    A percentage is of the free cash in a buy, of the free shares in a sell.
    """
    if unit == "percent" and side == "sell":
        wanted = means.free_shares * amount / 100
    else:
        money = amount if unit == "value" else means.available_cash * amount / 100
        if means.lot_cash <= 0:
            return 0
        # To a millionth of a centavo: 30% of R$ 100,00 must be R$ 30,00, whatever floats make of it.
        wanted = round(money / means.lot_cash, 8) * lot_size
    lots = math.floor(round(wanted / lot_size, 8))
    return min(lots * lot_size, QUANTITY_MAX // lot_size * lot_size)


def problem(amount: float | None, unit: Unit) -> str | None:
    """Say in a sentence why an amount cannot be made into shares, or None."""
    if unit == "value":
        if amount is None or amount <= 0:
            return "Type how much to trade for, in reais with a decimal comma, such as 5.000,00."
        return None
    if amount is None or not 0 < amount <= 100:
        return "Type a percentage above 0 and at most 100."
    return None


def too_little(unit: Unit, side: str, lot_cash: float) -> str:
    """Say why an amount came to no share at all."""
    if unit == "percent" and side == "sell":
        return "That is less than one lot of the shares that you have free to sell."
    lot = formats.price(lot_cash)
    return f"That does not pay for one lot, which needs {lot}; type more, or deposit cash."
