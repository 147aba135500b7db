"""What trades cost besides their price."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

_WHOLE_PPM = 1_000_000


@dataclass(frozen=True)
class Fees:
    """What an order pays, in millionths of a fill's value."""

    maker_ppm: int
    taker_ppm: int

    def share_cost_units(self, price_units: int) -> int:
        """Give what a share at a price costs a buy at the most, fee included."""
        highest_ppm = max(self.maker_ppm, self.taker_ppm)
        if not highest_ppm:
            return price_units
        return price_units + floor(Fraction(price_units * highest_ppm, _WHOLE_PPM)) + 1


def fee_units(value_units: int, ppm: int) -> int:
    """Give the fee of a fill, rounded half up."""
    return floor(Fraction(value_units * ppm, _WHOLE_PPM) + Fraction(1, 2))
