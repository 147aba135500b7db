"""The arrays of one shard, reserved at once and filled as the market grows."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Iterator
from typing import Any, Final, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from engine.kernel import header, layout
from engine.kernel.compile import compiled
from engine.kernel.layout import Capacity
from engine.kernel.market import ADDRESSES, ARRAYS, HEADER_WORDS

Array: TypeAlias = npt.NDArray[Any]

_NO_RESERVE: Final = getattr(mmap, "MAP_NORESERVE", 0x4000)
# Only Linux says that pages given back are zeros when they are next used.
_GIVE_BACK: Final = getattr(mmap, "MADV_DONTNEED", None) if sys.platform == "linux" else None
_COMMANDS: Final = ADDRESSES["commands"]
_HUGE_PAGES: Final = getattr(mmap, "MADV_HUGEPAGE", None)
_HUGE_PAGE_BYTES: Final = 2 << 20
_HUGE_FROM_BYTES: Final = 64 << 20


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
    # The system puts an area anywhere, and the first rows, which are used most, need a huge page as well.
    spare = _HUGE_PAGE_BYTES if bytes_max >= _HUGE_FROM_BYTES else 0
    area = mmap.mmap(-1, bytes_max + spare, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE)
    first = -_address_of(area) % _HUGE_PAGE_BYTES if spare else 0
    if spare and _HUGE_PAGES is not None:
        area.madvise(_HUGE_PAGES)
    array = np.frombuffer(area, dtype=element, count=rows * (columns or 1), offset=first)
    return array if columns is None else array.reshape(rows, columns)


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
    words[_COMMANDS + 1] = rows


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
        self.header: Array = np.zeros(HEADER_WORDS, np.int64)
        # One row more, before the first (see `row_or_spare`).
        self.orders = reserved(capacity.orders + 1, layout.ORDER)[1:]
        self.levels = reserved(capacity.levels, layout.LEVEL)
        self.level_changed = reserved(capacity.levels, np.uint8)
        self.nodes = reserved(capacity.nodes, layout.NODE)
        self.children = reserved(capacity.nodes, np.int32, columns=layout.NODE_WAYS)
        self.ladders: Array = np.zeros(layout.LADDERS_PER_ASSET * (capacity.assets + 1), layout.LADDER)
        self.assets: Array = np.zeros(capacity.assets, layout.ASSET)
        self.fees = reserved(capacity.fees, layout.FEES)
        self.accounts = reserved(capacity.accounts, layout.ACCOUNT)
        self.positions = reserved(capacity.positions, layout.POSITION)
        # Open-addressing tables of growing size: the one of size s stands in the rows from s to 2 s.
        self.position_table = reserved(4 * capacity.positions, np.int32)
        self.ids = reserved(4 * capacity.ids, layout.ID_ENTRY)
        self.text_chunks = reserved(capacity.text_chunks, np.uint8, columns=layout.TEXT_CHUNK_BYTES)
        self.text_words = self.text_chunks.view(np.int64)
        self.text_next = reserved(capacity.text_chunks, np.int32)
        self.publications: Array = np.zeros(capacity.assets, layout.PUBLICATION)
        self.changed_levels: Array = np.zeros(capacity.changed_levels, layout.CHANGED_LEVEL)
        # Each in a cache line of its own, which numpy would not see to.
        self.events = reserved(layout.EVENTS_SOFT_MAX + 4 * layout.EVENTS_MARGIN, layout.EXECUTION)
        self.account_events = self.events.view(layout.ACCOUNT_EVENT)
        self.asset_events = self.events.view(layout.ASSET_EVENT)
        for name in ARRAYS:
            if name not in {"commands", "text"}:
                self._point_to(name, getattr(self, name))
        self._batch: tuple[Array, Array | None] = (self.events, None)
        self.take_batch(np.zeros(1, layout.COMMAND), np.zeros(1, np.uint8))
        self._left_ids = (0, 0)
        self._open_empty()

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
            give_back(self.ids, base, wiped_size)

    def _point_to(self, name: str, array: Array) -> None:
        assert array.flags.c_contiguous and array.dtype == ARRAYS[name][0], name
        self.header[ADDRESSES[name]] = array.ctypes.data
        self.header[ADDRESSES[name] + 1] = len(array)

    def take_batch(self, commands: Array, text: Array) -> None:
        """Show the kernel a batch: COMMAND rows, shape (n,), and their texts, uint8.

        Both stay as they are until the next.
        """
        assert commands.dtype == layout.COMMAND
        # As words, for a function knows them at once and looks long at rows; Python takes microseconds to say
        # where an array is, most of what a batch of one command costs.
        _point_to_commands(self.header, commands.view(np.int64), len(commands))
        if text is not self._batch[1]:
            self._point_to("text", text)
        self._batch = (commands, text)

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
        yield "position_table", size, size
        yield "ids", int(words[header.IDS_BASE]), int(words[header.IDS_SIZE])
        if words[header.OLD_IDS_SIZE]:
            yield "ids", int(words[header.OLD_IDS_BASE]), int(words[header.OLD_IDS_SIZE])
        yield "text_chunks", 0, int(words[header.TEXTS_USED])
        yield "text_next", 0, int(words[header.TEXTS_USED])
