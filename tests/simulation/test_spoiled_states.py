"""A stored state that something has happened to is refused, or known by its hash to be another."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kernel.layout import Capacity
from engine.shard import Shard
from engine.state import STATE_VERSION, ShardState, UnusableStateError, state_digest
from tests.property.market import examples
from tests.simulation.lives import CAPACITY, new_life
from tests.simulation.logs import long_log


@cache
def _stored() -> tuple[bytes, tuple[bytes, ...]]:
    state = new_life().run(long_log(seed=8, count=500)).shard.state()
    return state.describe(), tuple(buffer.tobytes() for buffer in state.buffers)


@cache
def _digest() -> str:
    return state_digest(ShardState.read(*_stored()))


def _is_told(description: bytes, buffers: list[bytes]) -> bool:
    try:
        return state_digest(ShardState.read(description, buffers)) != _digest()
    except UnusableStateError:
        return True


def _flipped(content: bytes, place: float, bit: int) -> bytes:
    spoiled = bytearray(content)
    spoiled[int(place * len(content))] ^= 1 << bit
    return bytes(spoiled)


_PLACES = st.floats(0, 1, exclude_max=True)


def test_what_was_stored_is_what_was_hashed() -> None:
    assert not _is_told(_stored()[0], list(_stored()[1]))
    shard = Shard.restored(ShardState.read(*_stored()), CAPACITY)
    assert shard.digest() == _digest()
    shard.check()


@settings(max_examples=examples(100), deadline=None)
@given(place=_PLACES, bit=st.integers(0, 7), part=_PLACES)
def test_a_flipped_bit_of_a_part_is_told(place: float, bit: int, part: float) -> None:
    description, parts = _stored()
    filled = [number for number, content in enumerate(parts) if content]
    number = filled[int(part * len(filled))]
    buffers = list(parts)
    buffers[number] = _flipped(buffers[number], place, bit)
    assert _is_told(description, buffers)


@settings(max_examples=examples(200), deadline=None)
@given(place=_PLACES, bit=st.integers(0, 7))
def test_a_flipped_bit_of_the_description_is_told(place: float, bit: int) -> None:
    description, parts = _stored()
    assert _is_told(_flipped(description, place, bit), list(parts))


@settings(max_examples=examples(100), deadline=None)
@given(left=_PLACES, part=_PLACES)
def test_a_part_that_was_cut_is_refused(left: float, part: float) -> None:
    description, parts = _stored()
    filled = [number for number, content in enumerate(parts) if content]
    number = filled[int(part * len(filled))]
    buffers = list(parts)
    buffers[number] = buffers[number][: int(left * len(buffers[number]))]
    assert _is_told(description, buffers)
    with pytest.raises(UnusableStateError, match="bytes, not"):
        Shard.restored(ShardState.read(description, buffers), CAPACITY)


def test_missing_parts_another_engine_and_nonsense_are_refused() -> None:
    description, parts = _stored()
    with pytest.raises(UnusableStateError, match="parts are missing"):
        ShardState.read(description, parts[:-1])
    with pytest.raises(UnusableStateError, match="another version"):
        ShardState.read(description.replace(b'"version":%d' % STATE_VERSION, b'"version":2'), parts)
    with pytest.raises(UnusableStateError, match="cannot be read"):
        ShardState.read(description[:-1], parts)
    with pytest.raises(UnusableStateError, match="more orders than there is room for"):
        Shard.restored(ShardState.read(description, parts), Capacity(orders=10))
