"""Where a market's arrays stand in its one reservation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from engine.kernel.area import ARRAYS, HUGE_FROM_BYTES, HUGE_PAGE_BYTES, PLACES
from engine.kernel.layout import Capacity
from engine.kernel.memory import Memory

_REACH_BYTES = 1 << 31
_FAR = {"text_words", "text_next"}


def _extents(memory: Memory) -> dict[str, tuple[int, int]]:
    arrays = {name: getattr(memory, name) for name, shape in ARRAYS.items() if shape.place is None}
    arrays["header"] = memory.header
    extents = {name: (array.ctypes.data, array.ctypes.data + array.nbytes) for name, array in arrays.items()}
    row = memory.orders.itemsize
    extents["the order that is nobody's"] = (extents["orders"][0] - row, extents["orders"][0])
    return extents


@pytest.mark.parametrize("capacity", [Capacity(), Capacity(orders=1 << 10, levels=1 << 8, ids=1 << 13)])
def test_no_two_arrays_share_memory(capacity: Capacity) -> None:
    extents = sorted(_extents(Memory(capacity)).items(), key=lambda each: each[1])
    for (name, (_, end)), (behind, (first, _)) in pairwise(extents):
        assert end <= first, f"{name} reaches into {behind}"


def test_large_arrays_begin_at_a_huge_page() -> None:
    memory = Memory(Capacity())
    large = [name for name in PLACES if getattr(memory, name, np.zeros(0)).nbytes >= HUGE_FROM_BYTES]
    assert {"orders", "levels", "children", "ids"} <= set(large)
    assert all(getattr(memory, name).ctypes.data % HUGE_PAGE_BYTES == 0 for name in large)


def test_what_is_used_most_is_reached_by_an_instruction_alone() -> None:
    far = {name for name, place in PLACES.items() if not -_REACH_BYTES <= place < _REACH_BYTES}
    assert far <= _FAR


def test_the_kernel_reads_what_python_sees() -> None:
    memory = Memory(Capacity(orders=1 << 10, levels=1 << 8, ids=1 << 13))
    header = memory.header.ctypes.data
    for name, place in PLACES.items():
        if (array := getattr(memory, name, None)) is not None:
            assert array.ctypes.data == header + place, name


def test_a_market_is_no_larger_than_its_place() -> None:
    with pytest.raises(AssertionError, match="a place for so many orders"):
        Memory(Capacity(orders=2 * Capacity().orders))
