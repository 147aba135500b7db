"""A market's arrays in one reservation, each for good at its own distance from the header.

So the kernel adds a constant to the header's address where it would have to load an array's: a register and a
load less for each. A distance that fits into 32 bits is part of an instruction, so the rows that are used
most begin within 2 GB of the header, on either side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from engine.kernel import layout
from engine.kernel.growth import PLACE
from engine.kernel.header import WORDS
from engine.kernel.layout import PAGE_BYTES, Capacity

HUGE_PAGE_BYTES: Final = 2 << 20
HUGE_FROM_BYTES: Final = 64 << 20
"""An array of so many bytes is to have huge pages, and begins at one."""


class Shape(NamedTuple):
    """What an array's row is, how many elements it has, and how many rows there may be.

    `place` is another array's name, where this is another view of its memory.
    """

    dtype: np.dtype[Any]
    rows: Callable[[Capacity], int]
    columns: int = 1
    place: str | None = None

    def bytes_max(self, capacity: Capacity) -> int:
        """Give how many bytes an array of this shape may come to have."""
        return self.rows(capacity) * self.columns * self.dtype.itemsize


def _ladders(capacity: Capacity) -> int:
    return layout.LADDERS_PER_ASSET * (capacity.assets + 1)


def _position_table(capacity: Capacity) -> int:
    # Open-addressing tables of growing size: the one of size s stands in the rows from s to 2 s.
    return 4 * capacity.positions


def _buckets(capacity: Capacity) -> int:
    return 4 * capacity.ids // layout.BUCKET


def _events(_capacity: Capacity) -> int:
    return layout.EVENTS_SOFT_MAX + 4 * layout.EVENTS_MARGIN


_ID_BYTES: Final = layout.ID_BUCKET.itemsize
_BEFORE: Final = {
    "orders": Shape(layout.ORDER, lambda capacity: capacity.orders),
    "children": Shape(np.dtype(np.int32), lambda capacity: capacity.nodes, layout.NODE_WAYS),
}
_BEHIND: Final = {
    "events": Shape(layout.EXECUTION, _events),
    "account_events": Shape(layout.ACCOUNT_EVENT, _events, place="events"),
    "asset_events": Shape(layout.ASSET_EVENT, _events, place="events"),
    "ladders": Shape(layout.LADDER, _ladders),
    "assets": Shape(layout.ASSET, lambda capacity: capacity.assets),
    "publications": Shape(layout.PUBLICATION, lambda capacity: capacity.assets),
    "fees": Shape(layout.FEES, lambda capacity: capacity.fees),
    "changed_levels": Shape(layout.CHANGED_LEVEL, lambda capacity: capacity.changed_levels),
    "level_changed": Shape(np.dtype(np.uint8), lambda capacity: capacity.levels),
    "level_hints": Shape(np.dtype(np.int32), lambda _: layout.LEVEL_HINTS),
    "nodes": Shape(layout.NODE, lambda capacity: capacity.nodes),
    "position_table": Shape(PLACE, _position_table),
    "accounts": Shape(layout.ACCOUNT, lambda capacity: capacity.accounts),
    "positions": Shape(layout.POSITION, lambda capacity: capacity.positions),
    "levels": Shape(layout.LEVEL, lambda capacity: capacity.levels),
    "ids": Shape(layout.ID_BUCKET, _buckets),
    "id_lows": Shape(np.dtype(np.int64), _buckets, _ID_BYTES // 8, place="ids"),
    "id_halves": Shape(np.dtype(np.int32), _buckets, _ID_BYTES // 4, place="ids"),
    "text_words": Shape(
        np.dtype(np.int64), lambda capacity: capacity.text_chunks, layout.TEXT_CHUNK_BYTES // 8
    ),
    "text_next": Shape(np.dtype(np.int32), lambda capacity: capacity.text_chunks),
}
ARRAYS: Final = _BEFORE | _BEHIND
"""By name: a market's arrays."""

BATCH: Final = {
    "commands": Shape(layout.COMMAND, lambda _: 0),
    "text": Shape(np.dtype(np.uint8), lambda _: 0),
}
"""By name: the arrays that each batch has others of."""

ROWS: Final = {name: WORDS + place for place, name in enumerate(ARRAYS | BATCH)}
"""By name: the header's word with the rows that an array has."""
ADDRESSES: Final = {name: WORDS + len(ROWS) + place for place, name in enumerate(BATCH)}
"""By name: the header's word with the address of a batch's array."""
HEADER_WORDS: Final = WORDS + len(ROWS) + len(ADDRESSES)


def _up(octets: int, page: int) -> int:
    return -(-octets // page) * page


def _placed() -> tuple[dict[str, int], int]:
    largest = Capacity()
    places, first, end = dict[str, int](), 0, 8 * HEADER_WORDS
    for name, shape in reversed(_BEFORE.items()):
        first -= _up(shape.bytes_max(largest), HUGE_PAGE_BYTES)
        places[name] = first
    for name, shape in _BEHIND.items():
        if shape.place is not None:
            places[name] = places[shape.place]
            continue
        octets = shape.bytes_max(largest)
        places[name] = _up(end, HUGE_PAGE_BYTES if octets >= HUGE_FROM_BYTES else PAGE_BYTES)
        end = places[name] + octets
    return places, end


PLACES, _END = _placed()
"""By name: the bytes from the header to an array's first row, negative where it stands before."""
# The row before the first order is nobody's (see `row_or_spare`).
HEADER_PLACE: Final = HUGE_PAGE_BYTES - min(PLACES.values())
"""The bytes of the reservation that are before the header."""
AREA_BYTES: Final = HEADER_PLACE + _END
