"""Tables of what is never taken out grow without a moment at which all moves.

A table has twice as many places as entries at most, and the next one twice as many places. Behind a
quarter of its places the next table's memory is supplied, page by page, since its first entries go
anywhere and the system would clear all of it for them at once; behind three eighths each new entry
takes others along. When half of the places are taken the next table has all, and nobody sought anything
in it before.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.kernel.compile import inlined
from engine.kernel.layout import NONE, PAGE_BYTES

PLACE: Final = np.dtype(np.int32)
"""An entry's row + 1; 0 where a place is free."""
PAGE_PLACES: Final = PAGE_BYTES // PLACE.itemsize
_ENTRIES_A_PAGE: Final = PAGE_PLACES // 16


@inlined
def page_of_next(entries: int, places: int) -> int:
    """Give the page of the next table that is to be written to before another entry comes, or NONE."""
    since_quarter = entries - places // 4
    if 0 <= since_quarter < places // 8 and since_quarter % _ENTRIES_A_PAGE == 0:
        return since_quarter // _ENTRIES_A_PAGE
    return NONE


@inlined
def entered_in_next(entries: int, places: int) -> int:
    """Count the entries that the next table has too, when there are so many in one of so many places."""
    return max(0, 4 * entries - 3 * places // 2)
