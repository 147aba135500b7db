"""The processor's own operations on the bits of an int64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from engine.kernel.compile import inlined

_WORD: Final = ir.IntType(64)
# Counting zeros of 0 may give anything: the processor then needs no test for it.
_NEVER_ZERO: Final = ir.Constant(ir.IntType(1), 1)


@intrinsic
def _lowest_bit(_context: Any, _word: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], _NEVER_ZERO)

    return types.int64(types.int64), generate


@intrinsic
def _highest_bit(_context: Any, _word: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.sub(ir.Constant(_WORD, 63), builder.ctlz(arguments[0], _NEVER_ZERO))

    return types.int64(types.int64), generate


@intrinsic
def _rotate_left(_context: Any, _word: Any, _bits: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word, bits = arguments
        rest = builder.sub(ir.Constant(_WORD, 64), bits)
        return builder.or_(builder.shl(word, bits), builder.lshr(word, rest))

    return types.int64(types.int64, types.int64), generate


@intrinsic
def _float_of(_context: Any, _bits: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


lowest_bit = cast("Callable[[int], int]", _lowest_bit)
"""Give the place of the lowest bit set in a word that is not 0."""
highest_bit = cast("Callable[[int], int]", _highest_bit)
"""Give the place of the highest bit set in a word that is not 0."""
rotate_left = cast("Callable[[int, int], int]", _rotate_left)
"""Move a word's bits up; those that fall out come in below."""
float_of = cast("Callable[[int], float]", _float_of)
"""Give the float64 that has a word's bits."""


@inlined
def chosen(condition: bool, if_true: int, if_false: int) -> int:
    """Choose between two integers without a branch, where nobody could foresee which it will be.

    Of an expression with `if` the compiler makes a branch all the same when that spares a load.
    """
    return if_false ^ ((if_true ^ if_false) & -int(condition))
