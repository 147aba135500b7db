"""What callers may say: points in time, symbols, counts; checked, with an answer that helps."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from engine.domain import SYMBOL_PATTERN, TIME_MS_MAX

Since: TypeAlias = str | int | datetime
"""An age ("30m", "1h", "2d"), a time with its zone, or UTC milliseconds since 1970."""

LIMIT_MAX = 1_000_000_000
_AGE = re.compile(r"(\d{1,9})(s|m|h|d|w)")
_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_HELP = 'say an age such as "30m", "1h" or "2d", a time with its zone, or UTC milliseconds since 1970'


def since_ms(since: Since, *, now_ms: int) -> int:
    """Give a point in time as UTC milliseconds.

    Parameters
    ----------
    since : str, int or datetime
        An age before `now_ms`; an ISO 8601 time, a datetime or a pandas Timestamp, each with its zone; or
        UTC milliseconds.
    now_ms : int
        The present time.

    Raises
    ------
    ValueError, TypeError
        When it is none of these, or has no zone, or lies outside of the years 1970 to 9999.
    """
    if isinstance(since, str):
        age = _AGE.fullmatch(since.strip())
        if age:
            return max(0, now_ms - int(age[1]) * _UNITS_MS[age[2]])
        since = _parsed(since)
    if isinstance(since, datetime):
        time_ms = _datetime_ms(since)
    elif isinstance(since, int) and not isinstance(since, bool):
        time_ms = since
    else:
        raise TypeError(f"since={since!r} is no point in time; {_HELP}.")
    if not 0 <= time_ms <= TIME_MS_MAX:
        raise ValueError(f"since={since!r} is not within the years 1970 to 9999; {_HELP}.")
    return time_ms


def check_limit(limit: int | None) -> None:
    """Refuse a limit that counts no rows."""
    if limit is None:
        return
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise TypeError(f"limit={limit!r} is no count of rows; give an integer, or leave it out for all.")
    if not 1 <= limit <= LIMIT_MAX:
        raise ValueError(f"limit={limit} must be from 1 to {LIMIT_MAX:,}; leave it out for all rows.")


def check_symbol(symbol: str | None) -> None:
    """Refuse what cannot be a symbol, which would otherwise just find nothing."""
    if symbol is not None and not (isinstance(symbol, str) and re.fullmatch(SYMBOL_PATTERN, symbol)):
        raise ValueError(f"{symbol!r} is no symbol; symbols are capitals and digits, such as PETR4.")


def check_investor(investor_id: str | None) -> None:
    """Refuse what cannot be an investor's id."""
    if investor_id is not None and not (isinstance(investor_id, str) and investor_id):
        raise ValueError(f"{investor_id!r} is no investor's id; give its text, or leave it out for all.")


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"since={text!r} is no point in time; {_HELP}.") from None


def _datetime_ms(time: datetime) -> int:
    if time.tzinfo is None:
        raise ValueError(
            f"since={str(time)!r} has no time zone, so it could be UTC or Brazil's time; add one, for "
            f'example {time:%Y-%m-%dT%H:%M}-03:00, or pd.Timestamp(…, tz="America/Sao_Paulo").'
        )
    return int((time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))
