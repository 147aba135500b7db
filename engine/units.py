"""Between the decimal numbers of records and the integers that the engine counts in."""

from __future__ import annotations

from engine.domain import PPM_PER_BASIS_POINT, UNITS_PER_CURRENCY


class NotExactError(ValueError):
    """A decimal number with more decimals than are counted."""


def units_from_decimal(value: float) -> int:
    """Convert an amount of currency to ten-thousandths, exactly.

    Parameters
    ----------
    value : float
        Amount in the currency's unit; at most four decimals.

    Returns
    -------
    int
        The amount in ten-thousandths of the unit.

    Raises
    ------
    NotExactError
        When the amount has more than four decimals.
    """
    units = round(value * UNITS_PER_CURRENCY)
    # A division is correctly rounded, so it gives back the very float that the decimal number was read as.
    if units / UNITS_PER_CURRENCY != value:
        raise NotExactError(f"{value} has more than four decimals")
    return units


def decimal_from_units(units: int) -> float:
    """Convert ten-thousandths to an amount in the currency's unit, the nearest float."""
    return units / UNITS_PER_CURRENCY


def ppm_from_basis_points(value: float) -> int:
    """Convert basis points to millionths, exactly; raises `NotExactError` beyond two decimals."""
    ppm = round(value * PPM_PER_BASIS_POINT)
    if ppm / PPM_PER_BASIS_POINT != value:
        raise NotExactError(f"{value} basis points has more than two decimals")
    return ppm


def basis_points_from_ppm(ppm: int) -> float:
    """Convert millionths to basis points, the nearest float."""
    return ppm / PPM_PER_BASIS_POINT
