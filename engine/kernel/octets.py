"""Bytes eight at a time, as int64 words with the first byte lowest.

They may be read or written anywhere in an array of bytes, so also some bytes beyond what is asked for: who
calls keeps `SLACK` bytes of room behind the last byte that counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from engine.kernel.uncounted import inlined

Octets: TypeAlias = npt.NDArray[np.uint8]

SLACK: Final = 16


def signed(word: int) -> int:
    """Give the int64 that has the same bits as a uint64."""
    return word - (1 << 64) if word >> 63 else word


# By a length from 0 to 16: which bits of the first word belong to it, and which of the second.
FIRST_BITS: Final = np.array([signed((1 << (8 * min(length, 8))) - 1) for length in range(17)], np.int64)
SECOND_BITS: Final = np.array([signed((1 << (8 * max(length - 8, 0))) - 1) for length in range(17)], np.int64)

VECTOR_BYTES: Final = 16
_WORD: Final = ir.IntType(64)
_VECTOR: Final = ir.VectorType(ir.IntType(8), VECTOR_BYTES)


def _pointer(context: Any, builder: Any, array_type: Any, arguments: Any, pointee: Any) -> Any:
    array, place = arguments
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [place]), pointee.as_pointer())


@intrinsic
def _load_word(_context: Any, _octets: Any, _place: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], arguments, _WORD)
        return builder.load(pointer, align=1)

    return types.int64(_octets, types.intp), generate


@intrinsic
def _store_word(_context: Any, _octets: Any, _place: Any, _word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], arguments[:2], _WORD)
        builder.store(arguments[2], pointer, align=1)
        return context.get_dummy_value()

    return types.void(_octets, types.intp, types.int64), generate


@intrinsic
def _plain_text_ends(_context: Any, _octets: Any, _place: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def all_of(octet: int) -> Any:
            return ir.Constant(_VECTOR, [octet] * VECTOR_BYTES)

        pointer = _pointer(context, builder, signature.args[0], arguments, _VECTOR)
        vector = builder.load(pointer, align=1)
        # From 0x20 to 0x7e a byte is plain; what is below becomes large here.
        above_space = builder.sub(vector, all_of(0x20))
        ends = builder.icmp_unsigned(">", above_space, all_of(0x7E - 0x20))
        for octet in b'"\\':
            ends = builder.or_(ends, builder.icmp_unsigned("==", vector, all_of(octet)))
        return builder.zext(builder.bitcast(ends, ir.IntType(VECTOR_BYTES)), _WORD)

    return types.int64(_octets, types.intp), generate


load_word = cast("Callable[[Octets, int], int]", _load_word)
"""Read the eight bytes from a place on."""
store_word = cast("Callable[[Octets, int, int], None]", _store_word)
"""Write eight bytes from a place on."""
plain_text_ends = cast("Callable[[Octets, int], int]", _plain_text_ends)
"""Give a bit for each of the `VECTOR_BYTES` from a place on that is not plain text of a JSON string: a quote,
a backslash, a control character or not ASCII; the first byte's bit is the lowest."""


@inlined
def copy_octets(source: Octets, source_start: int, target: Octets, target_start: int, length: int) -> None:
    """Copy bytes; up to seven behind them are overwritten too."""
    for done in range(0, length, 8):
        store_word(target, target_start + done, load_word(source, source_start + done))


@inlined
def equal_octets(left: Octets, left_start: int, right: Octets, right_start: int, length: int) -> bool:
    """Tell whether two runs of bytes of one length are the same."""
    whole = length & ~7
    for done in range(0, whole, 8):
        if load_word(left, left_start + done) != load_word(right, right_start + done):
            return False
    rest = load_word(left, left_start + whole) ^ load_word(right, right_start + whole)
    return bool(rest & FIRST_BITS[length - whole] == 0)


def padded(octets: bytes) -> Octets:
    """Give bytes as a read-only array with `SLACK` behind them."""
    return np.frombuffer(octets + bytes(SLACK), np.uint8)
