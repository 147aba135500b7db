"""What callers may say: points in time, symbols, counts; checked, with an answer that helps."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from os import PathLike
from typing import TypeAlias

from engine.domain import SYMBOL_PATTERN, TIME_MS_MAX

Since: TypeAlias = str | int | datetime
"""An age ("30m", "1h", "2d"), a time with its zone, or UTC milliseconds since 1970."""

LIMIT_MAX = 1_000_000_000
_SHOWN_MAX = 80
_AGE = re.compile(r"(\d{1,9})(s|m|h|d|w)")
_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_HELP = 'say an age such as "30m", "1h" or "2d", a time with its zone, or UTC milliseconds since 1970'


def since_ms(since: Since, *, now_ms: int, name: str = "since") -> int:
    """Give a point in time as UTC milliseconds.

    Parameters
    ----------
    since : str, int or datetime
        An age before `now_ms`; an ISO 8601 time, a datetime or a pandas Timestamp, each with its zone; or
        UTC milliseconds.
    now_ms : int
        The present time.
    name : str
        What the caller calls it.

    Raises
    ------
    ValueError, TypeError
        When it is none of these, or has no zone, or lies outside of the years 1970 to 9999.
    """
    if isinstance(since, str):
        age = _AGE.fullmatch(since.strip())
        if age:
            return max(0, now_ms - int(age[1]) * _UNITS_MS[age[2]])
        since = _parsed(since, name)
    if isinstance(since, datetime):
        time_ms = _datetime_ms(since, name)
    elif isinstance(since, int) and not isinstance(since, bool):
        time_ms = since
    else:
        raise TypeError(f"{name}={since!r} is no point in time; {_HELP}.")
    if not 0 <= time_ms <= TIME_MS_MAX:
        raise ValueError(f"{name}={since!r} is not within the years 1970 to 9999; {_HELP}.")
    return time_ms


def bounds_ms(since: Since | None, until: Since | None) -> tuple[int | None, int | None]:
    """Give two points in time as UTC milliseconds, as of now; what is not given stays so."""
    now_ms = time.time_ns() // 1_000_000
    from_ms = None if since is None else since_ms(since, now_ms=now_ms)
    to_ms = None if until is None else since_ms(until, now_ms=now_ms, name="until")
    if from_ms is not None and to_ms is not None and from_ms > to_ms:
        raise ValueError(f"since={since!r} is later than until={until!r}; exchange them.")
    return from_ms, to_ms


def check_counts(limit: int | None, first: int | None) -> None:
    """Refuse counts that count no rows, and two at once."""
    check_limit(limit)
    check_limit(first, name="first")
    if limit is not None and first is not None:
        raise ValueError("limit gives the newest rows and first the oldest; take one of them.")


def check_limit(limit: int | None, *, name: str = "limit") -> None:
    """Refuse a limit that counts no rows."""
    if limit is None:
        return
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise TypeError(f"{name}={limit!r} is no count of rows; give an integer, or leave it out for all.")
    if not 1 <= limit <= LIMIT_MAX:
        raise ValueError(f"{name}={limit} must be from 1 to {LIMIT_MAX:,}; leave it out for all rows.")


def check_one_symbol(symbol: str) -> None:
    """Refuse what is not one symbol."""
    if symbol is None:
        raise ValueError("Name the symbol, such as PETR4; this is of one at a time.")
    check_symbol(symbol)


def check_symbol(symbol: str | None) -> None:
    """Refuse what cannot be a symbol, which would otherwise just find nothing."""
    if symbol is not None and not (isinstance(symbol, str) and re.fullmatch(SYMBOL_PATTERN, symbol)):
        raise ValueError(f"{symbol!r} is no symbol; symbols are capitals and digits, such as PETR4.")


def check_amount(amount: object, *, most: float, name: str) -> None:
    """Refuse what is no number above 0, or is beyond the most."""
    bounds = "more than 0" if most == math.inf else f"more than 0 and at most {most:,.0f}"
    if not isinstance(amount, (int, float)) or isinstance(amount, bool):
        raise TypeError(f"{name}={shown(amount)} is no number; give one that is {bounds}.")
    if not 0 < amount <= most:
        raise ValueError(f"{name}={amount!r} must be {bounds}.")


def check_whole(number: object, *, most: int, name: str) -> None:
    """Refuse what is no whole number from 0 to the most."""
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= most:
        raise ValueError(f"{name}={shown(number)} is no whole number from 0 to {most}; give one.")


def check_word(word: object, words: Iterable[str], *, what: str) -> None:
    """Refuse what is none of some words."""
    words = list(words)
    if not isinstance(word, str) or word not in words:
        raise ValueError(f"{shown(word)} is no {what}; choose one of {', '.join(words)}.")


def check_path(path: object) -> None:
    """Refuse what names no file."""
    if not isinstance(path, (str, PathLike)) or not str(path) or "\0" in str(path):
        raise TypeError(f"{shown(path)} names no file; give its path as text, or a pathlib.Path.")


def check_text(text: object, *, name: str) -> None:
    """Refuse what is no text, or an empty one."""
    if not isinstance(text, str) or not text:
        raise TypeError(f"{name}={shown(text)} is no text; give one, in quotes.")


def check_investor(investor_id: str | None) -> None:
    """Refuse what cannot be an investor's id."""
    if investor_id is not None and not (isinstance(investor_id, str) and investor_id):
        raise ValueError(f"{investor_id!r} is no investor's id; give its text, or leave it out for all.")


def shown(value: object) -> str:
    """Show a value in a message: as it is when it is short and plain, else what it is."""
    text = repr(value) if isinstance(value, (str, int, float, bytes, type(None))) else ""
    return text if 0 < len(text) <= _SHOWN_MAX else f"This {type(value).__name__}"


def _parsed(text: str, name: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{name}={text!r} is no point in time; {_HELP}.") from None


def _datetime_ms(time: datetime, name: str) -> int:
    if time.tzinfo is None:
        raise ValueError(
            f"{name}={str(time)!r} has no time zone, so it could be UTC or Brazil's time; add one, for "
            f'example {time:%Y-%m-%dT%H:%M}-03:00, or pd.Timestamp(…, tz="America/Sao_Paulo").'
        )
    return int((time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))
