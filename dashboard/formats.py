"""Numbers and times as Brazilians write them."""

from __future__ import annotations

import math
import re
from datetime import datetime
from zoneinfo import ZoneInfo

_DATED_MS_MAX = 253_402_214_399_999
"""A day before the end of the year 9999."""
_SWAP = str.maketrans(",.", ".,")
_WHOLE = re.compile(r"\d{1,12}|\d{1,3}(\.\d{3}){1,3}", re.ASCII)
_COMMA = re.compile(r"(\d{1,12}|\d{1,3}(\.\d{3}){1,3}),\d{1,6}", re.ASCII)
_POINT = re.compile(r"\d{1,12}\.(\d{1,2}|\d{4,6})", re.ASCII)


def number(value: float, decimals: int = 0) -> str:
    """Write a number with dots between thousands and a decimal comma: 1.234,56.

    What rounds to zero has no sign.
    """
    return f"{value:z,.{decimals}f}".translate(_SWAP)


def price(value: float, tick_size: float = 0.01) -> str:
    """Write a price in reais, with as many decimals as the tick has (two at least)."""
    text = number(value, decimals_of(tick_size))
    return f"-R$ {text[1:]}" if text.startswith("-") else f"R$ {text}"


def moment(time_ms: int, zone: ZoneInfo, now_ms: int) -> str:
    """Write a time to come in short: of today the time is enough, of another year the day."""
    # East of Greenwich the last hours that an order may be good until are in a year that is no date.
    times_s = (min(each, _DATED_MS_MAX) / 1_000 for each in (time_ms, now_ms))
    then, now = (datetime.fromtimestamp(time_s, zone) for time_s in times_s)
    if then.year != now.year:
        return f"{then:%d/%m/%Y}"
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%d/%m %H:%M}"


def decimals_of(tick_size: float) -> int:
    """Count the decimals that a price needs: two at least, four at most."""
    return next(
        (d for d in (2, 3) if math.isclose(round(tick_size, d), tick_size, abs_tol=1e-9)),
        4,
    )


def parse_whole(text: str) -> int | None:
    """Read a whole number, its thousands dotted or not; None when it is none."""
    text = text.strip()
    return int(text.replace(".", "")) if _WHOLE.fullmatch(text) else None


def parse_price(text: str) -> float | None:
    """Read a price with a decimal comma, or with a point where that can mean nothing else.

    `38.510` is refused: a Brazilian means thirty-eight thousand, others thirty-eight and a half.
    """
    text = text.strip().removeprefix("R$").strip()
    if text.isascii() and text.isdigit() and len(text) <= 12:
        return float(text)
    if _COMMA.fullmatch(text):
        return float(text.replace(".", "").replace(",", "."))
    return float(text) if _POINT.fullmatch(text) else None


def parse_amount(text: str) -> float | None:
    """Read an amount of money: as a price, and with dots between thousands alone, as in `5.000`.

    Nobody types an amount of five reais with three decimals: here a dot can only stand between thousands.
    """
    amount = parse_price(text)
    if amount is not None:
        return amount
    whole = parse_whole(text.strip().removeprefix("R$"))
    return None if whole is None else float(whole)
