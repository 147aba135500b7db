"""The arrays of one shard, reserved at once and filled as the market grows."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Iterator
from typing import Any, Final, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from engine.kernel import header, layout
from engine.kernel.area import (
    ADDRESSES,
    AREA_BYTES,
    ARRAYS,
    HEADER_PLACE,
    HEADER_WORDS,
    HUGE_FROM_BYTES,
    HUGE_PAGE_BYTES,
    PLACES,
    ROWS,
)
from engine.kernel.compile import compiled
from engine.kernel.layout import Capacity

Array: TypeAlias = npt.NDArray[Any]

_NO_RESERVE: Final = getattr(mmap, "MAP_NORESERVE", 0x4000)
# Only Linux says that pages given back are zeros when they are next used.
_GIVE_BACK: Final = getattr(mmap, "MADV_DONTNEED", None) if sys.platform == "linux" else None
_COMMANDS: Final = ADDRESSES["commands"]
_COMMAND_ROWS: Final = ROWS["commands"]
_HUGE_PAGES: Final = getattr(mmap, "MADV_HUGEPAGE", None)


def reserved(rows: int, dtype: npt.DTypeLike, *, columns: int | None = None) -> Array:
    """Give an array of zeros whose memory the system supplies as rows are first written.

    Parameters
    ----------
    rows : int
        How many rows there may ever be.
    dtype : dtype
        Of a row, or of a row's elements.
    columns : int, optional
        Elements in a row of a two-dimensional array.

    Returns
    -------
    ndarray
        Shape (rows,) or (rows, columns).
    """
    element = np.dtype(dtype)
    bytes_max = max(1, rows * (columns or 1) * element.itemsize)
    area, first = _area(bytes_max)
    _ask_for_huge_pages(area, first, bytes_max)
    array = np.frombuffer(area, dtype=element, count=rows * (columns or 1), offset=first)
    return array if columns is None else array.reshape(rows, columns)


def _area(bytes_max: int) -> tuple[mmap.mmap, int]:
    """Reserve bytes; gives the area and where in it they begin, a huge page if there are many of them."""
    # The system puts an area anywhere, and the first rows, which are used most, need a huge page as well.
    spare = HUGE_PAGE_BYTES if bytes_max >= HUGE_FROM_BYTES else 0
    area = mmap.mmap(-1, bytes_max + spare, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE)
    first = -_address_of(area) % HUGE_PAGE_BYTES if spare else 0
    return area, first


def _ask_for_huge_pages(area: mmap.mmap, first: int, octets: int) -> None:
    if octets >= HUGE_FROM_BYTES and _HUGE_PAGES is not None:
        area.madvise(_HUGE_PAGES, first, octets)


def give_back(array: Array, first: int, rows: int) -> None:
    """Return the memory of a `reserved` array's rows to the system; they are zeros from then on.

    Where the system promises no zeros, nothing is done.
    """
    if _GIVE_BACK is not None:
        area: mmap.mmap = cast("Any", array.base).obj
        before = array.ctypes.data - _address_of(area)
        area.madvise(_GIVE_BACK, before + first * array.itemsize, rows * array.itemsize)


def _address_of(area: mmap.mmap) -> int:
    return int(np.frombuffer(area, np.uint8, 1).ctypes.data)


@compiled
def _point_to_commands(words: Array, commands: Array, rows: int) -> None:
    words[_COMMANDS] = commands.ctypes.data
    words[_COMMAND_ROWS] = rows


def _buckets(first: int, entries: int) -> tuple[int, int]:
    return int(first) // layout.BUCKET, int(entries) // layout.BUCKET


class Memory:
    """A shard's arrays, and how much of each is in use.

    Parameters
    ----------
    capacity : Capacity
        How large the market may become.
    """

    def __init__(self, capacity: Capacity) -> None:
        assert 2 * capacity.positions >= header.POSITION_TABLE_SIZE_MIN, "the smallest table fits"
        assert capacity.ids >= header.IDS_SIZE_MIN, "the smallest table fits"
        assert capacity.fees <= 1 << 16, "an order can name each row"
        self.capacity = capacity
        area, first = _area(AREA_BYTES)
        self._area, self._header_place = area, first + HEADER_PLACE
        self.header: Array = np.frombuffer(area, np.int64, HEADER_WORDS, self._header_place)
        self.orders = self._placed("orders")
        self.levels = self._placed("levels")
        self.level_changed = self._placed("level_changed")
        self.level_hints = self._placed("level_hints")
        self.nodes = self._placed("nodes")
        self.children = self._placed("children")
        self.ladders = self._placed("ladders")
        self.assets = self._placed("assets")
        self.fees = self._placed("fees")
        self.accounts = self._placed("accounts")
        self.positions = self._placed("positions")
        self.position_table = self._placed("position_table")
        self.ids = self._placed("ids")
        self.text_words = self._placed("text_words")
        self.text_chunks = self.text_words.view(np.uint8)
        self.text_next = self._placed("text_next")
        self.publications = self._placed("publications")
        self.changed_levels = self._placed("changed_levels")
        self.events = self._placed("events")
        self.account_events = self._placed("account_events")
        self.asset_events = self._placed("asset_events")
        for name, shape in ARRAYS.items():
            self.header[ROWS[name]] = shape.rows(capacity)
        self._batch: tuple[Array, Array | None] = (self.events, None)
        self.take_batch(np.zeros(1, layout.COMMAND), np.zeros(1, np.uint8))
        self._left_ids = (0, 0)
        self._open_empty()

    def _placed(self, name: str) -> Array:
        shape, place = ARRAYS[name], self._header_place + PLACES[name]
        octets = shape.bytes_max(self.capacity)
        assert octets <= shape.bytes_max(Capacity()), f"there is a place for so many {name}"
        _ask_for_huge_pages(self._area, place, octets)
        array = np.frombuffer(self._area, shape.dtype, octets // shape.dtype.itemsize, place)
        return array if shape.columns == 1 else array.reshape(-1, shape.columns)

    def _open_empty(self) -> None:
        self.ladders["root"] = self.ladders["first"] = layout.NONE
        words = self.header
        for word in (header.OFFSET, *header.LISTS):
            words[word] = layout.NONE
        words[header.DAY] = -1
        words[header.IDS_SIZE] = words[header.IDS_BASE] = header.IDS_SIZE_MIN
        words[header.POSITION_TABLE_SIZE] = header.POSITION_TABLE_SIZE_MIN
        words[header.FEES_USED] = words[header.ACCOUNTS_USED] = 1
        house = self.accounts[layout.HOUSE]
        house["open"] = house["unlimited"] = 1
        for link in ("touched", "first_order", "last_order"):
            house[link] = layout.NONE

    def give_back(self) -> None:
        """Return the memory of a table of ids that was left and wiped; its rows are zeros and stay so."""
        words = self.header
        base, size = words.item(header.OLD_IDS_BASE), words.item(header.OLD_IDS_SIZE)
        wiped_base, wiped_size = self._left_ids
        self._left_ids = base, size
        # Only while no other table is being left: the rows may be in use again after that.
        if size == 0 and wiped_size and base == wiped_base:
            give_back(self.ids, base // layout.BUCKET, wiped_size // layout.BUCKET)

    def take_batch(self, commands: Array, text: Array) -> None:
        """Show the kernel a batch: COMMAND rows, shape (n,), and their texts, uint8.

        Both stay as they are until the next.
        """
        assert commands.dtype == layout.COMMAND and text.dtype == np.uint8 and text.flags.c_contiguous
        # As words, for a function knows them at once and looks long at rows; Python takes microseconds to say
        # where an array is, most of what a batch of one command costs.
        _point_to_commands(self.header, commands.view(np.int64), len(commands))
        if text is not self._batch[1]:
            self.header[ADDRESSES["text"]] = text.ctypes.data
            self.header[ROWS["text"]] = len(text)
        self._batch = (commands, text)

    def part(self, name: str, first: int, rows: int) -> Array:
        """Give the rows that `parts` names, a view."""
        array: Array = getattr(self, name)
        return array[first : first + rows]

    def parts(self) -> Iterator[tuple[str, int, int]]:
        """Name the rows in use that make up the state: array, first row, rows.

        The same commands in the same order give the same bytes here, however they were batched. What is left
        out follows from the rest or only serves what is yet to be published.
        """
        words = self.header
        yield "header", 0, header.STATE_WORDS
        yield "orders", 0, int(words[header.ORDERS_USED])
        yield "levels", 0, int(words[header.LEVELS_USED])
        yield "nodes", 0, int(words[header.NODES_USED])
        yield "children", 0, int(words[header.NODES_USED])
        yield "ladders", 0, layout.LADDERS_PER_ASSET * int(words[header.ASSETS_USED])
        yield "ladders", layout.LADDERS_PER_ASSET * self.capacity.assets, layout.LADDERS_PER_ASSET
        yield "assets", 0, int(words[header.ASSETS_USED])
        yield "fees", 0, int(words[header.FEES_USED])
        yield "accounts", 0, int(words[header.ACCOUNTS_USED])
        yield "positions", 0, int(words[header.POSITIONS_USED])
        size = int(words[header.POSITION_TABLE_SIZE])
        # Behind a table stands the next one, twice as large, unless it is the largest.
        yield "position_table", size, min(3 * size, len(self.position_table) - size)
        yield "ids", *_buckets(words[header.IDS_BASE], words[header.IDS_SIZE])
        if words[header.OLD_IDS_SIZE]:
            yield "ids", *_buckets(words[header.OLD_IDS_BASE], words[header.OLD_IDS_SIZE])
        yield "text_chunks", 0, int(words[header.TEXTS_USED])
        yield "text_next", 0, int(words[header.TEXTS_USED])
