"""What shares are worth and what they have earned, counted in ten-thousandths. Pure."""

from __future__ import annotations

from msgspec import Struct

from engine.domain import UNITS_PER_CURRENCY

_PARTS_PER_UNIT = 10_000
"""An average price has four decimals more than a unit."""


class Worth(Struct, frozen=True, kw_only=True):
    """A position at a price."""

    value_units: int
    unrealized_units: int


def units_of(amount: float) -> int:
    """Give a record's amount of money as the whole ten-thousandths that it was written from."""
    return round(amount * UNITS_PER_CURRENCY)


def cost_units(quantity: int, average_price: float | None) -> int:
    """Give what a position's shares cost, negative where they were sold short.

    The record has the average rounded down at its eighth decimal, so this is exact up to 10,000 shares, and
    beyond them at most 10⁻⁸ BRL a share too low in size.
    """
    if average_price is None:
        return 0
    parts = round(average_price * UNITS_PER_CURRENCY * _PARTS_PER_UNIT) * abs(quantity)
    cost = -(-parts // _PARTS_PER_UNIT)
    return cost if quantity > 0 else -cost


def worth(quantity: int, average_price: float | None, price: float) -> Worth:
    """Value a position at a price."""
    value_units = quantity * units_of(price)
    return Worth(value_units=value_units, unrealized_units=value_units - cost_units(quantity, average_price))
