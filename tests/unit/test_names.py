"""Names and their rows: found again, kept in arrays, the same whenever names came in the same order."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.escaping import escaped
from engine.kernel.layout import NONE
from engine.names import Names

_names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64)


@settings(deadline=None)
@given(st.lists(_names, max_size=40), _names)
def test_names_have_rows_in_the_order_of_their_coming(sequence: list[str], other: str) -> None:
    names = Names(64, 32_768)
    distinct = list(dict.fromkeys(sequence))
    for name in sequence:
        assert names.add(escaped(name)) == distinct.index(name)
    assert names.count == len(distinct)
    assert [names.name(row) for row in range(names.count)] == distinct
    assert names.find(escaped(other)) == (distinct.index(other) if other in distinct else NONE)


def test_table_grows_and_finds_all() -> None:
    names = Names(10_000, 200_000)
    rows = [names.add(f"investor-{number}".encode()) for number in range(10_000)]
    assert rows == list(range(10_000))
    assert [names.find(f"investor-{number}".encode()) for number in range(10_000)] == rows
    assert names.find(b"investor-10000") == NONE


def test_full_table_takes_no_more_names() -> None:
    names = Names(2, 100)
    assert (names.add(b"ana"), names.add(b"bia"), names.add(b"cora")) == (0, 1, NONE)
    assert names.add(b"ana") == 0
    assert Names(10, 4).add(b"maria") == NONE


def test_loaded_names_are_the_same_names() -> None:
    names = Names(6_000, 100_000)
    for number in range(3_000):
        names.add(f"name-{number}".encode())
    loaded = Names(6_000, 100_000)
    loaded.fill(names.entries[: names.count].copy(), names.text[: names.text_length].copy())
    assert np.array_equal(loaded.table.table, names.table.table)
    assert loaded.find(b"name-2999") == 2_999
    assert loaded.add(b"new") == names.add(b"new") == 3_000
    # Into the next table, which it was filling when it was kept.
    for number in range(2_000):
        assert loaded.add(b"newer-%d" % number) == names.add(b"newer-%d" % number)
    assert np.array_equal(loaded.table.table, names.table.table)
    assert loaded.find(b"name-0") == 0
