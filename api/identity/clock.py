"""The time that is kept with rows."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Give the present UTC time."""
    return time.time_ns() // 1_000_000
