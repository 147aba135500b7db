"""Bytes read and written at addresses, by compiled code.

An address is one number where an array is seven: functions that pass places on compile and run faster
with them. Nothing is checked; an address is good while its array lives and is not replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import from_dtype, types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.kernel.memory import Array


@intrinsic
def _address_of(_context: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(data, ir.IntType(64))

    return types.int64(array), generate


@intrinsic
def _store(_context: Any, _address: Any, _byte: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        byte = builder.trunc(arguments[1], ir.IntType(8))
        builder.store(byte, builder.inttoptr(arguments[0], byte.type.as_pointer()))
        return _context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def _load(_context: Any, _address: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        byte = builder.load(builder.inttoptr(arguments[0], ir.IntType(8).as_pointer()))
        return builder.zext(byte, ir.IntType(64))

    return types.int64(types.int64), generate


@intrinsic
def _copy(_context: Any, _target: Any, _source: Any, _length: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        bytes_type = ir.IntType(8).as_pointer()
        target, source = (builder.inttoptr(address, bytes_type) for address in arguments[:2])
        copy: Callable[..., None] = cgutils.raw_memcpy
        copy(builder, target, source, arguments[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic
def _place_of(_context: Any, row: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ptrtoint(arguments[0], ir.IntType(64))

    return types.int64(row), generate


address_of = cast("Callable[[Array], int]", _address_of)
"""Give where an array's first element is."""
place_of = cast("Callable[[Any], int]", _place_of)
"""Give where a row that `row_reader` gave is."""
store_byte = cast("Callable[[int, int], None]", _store)
"""Write a byte at an address."""
load_byte = cast("Callable[[int], int]", _load)
"""Read the byte at an address."""
copy_bytes = cast("Callable[[int, int, int], None]", _copy)
"""Copy to an address, from another, so many bytes."""


def row_reader(row_type: np.dtype[Any]) -> Callable[[int, int], Any]:
    """Make a function that gives, of the rows at an address, the one with a number, to read and to write."""
    record = from_dtype(row_type)

    @intrinsic
    def row_at(_context: Any, _address: Any, _number: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            size = ir.Constant(ir.IntType(64), row_type.itemsize)
            address = builder.add(arguments[0], builder.mul(arguments[1], size))
            return builder.inttoptr(address, context.get_value_type(record))

        return record(types.int64, types.int64), generate

    return cast("Callable[[int, int], Any]", row_at)
