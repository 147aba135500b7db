"""A shard's arrays as one value of the kernel: the address of its header, from which all others follow.

Passing it costs one register and counting no references, so that small functions stay cheap to call and quick
to compile. The arrays stand at known distances (`area.py`); the batch's addresses are in the header. Python
keeps them all alive (`memory.Memory`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import config, from_dtype, types
from numba.core.imputils import lower_builtin, lower_getattr_generic, lower_setattr_generic
from numba.core.typing.templates import (
    AbstractTemplate,
    AttributeTemplate,
    infer_getattr,
    infer_global,
    signature,
)
from numba.extending import intrinsic, models, register_model

from engine.kernel import layout
from engine.kernel.area import ADDRESSES, ARRAYS, BATCH, PLACES, ROWS

_SHAPES: Final = ARRAYS | BATCH

_WORD: Final = ir.IntType(64)
_OCTET: Final = ir.IntType(8)


class _MarketType(types.Type):
    def __init__(self) -> None:
        super().__init__(name="Market")


class _RowType(types.Type):
    """A row of an array of records: its address."""

    def __init__(self, array: str) -> None:
        super().__init__(name=f"Row({array})")
        self.array = array
        self.record = from_dtype(_SHAPES[array].dtype)


class _RowsType(types.Type):
    """An array: the header's address, from which its own follows."""

    def __init__(self, array: str) -> None:
        super().__init__(name=f"Rows({array})")
        shape = _SHAPES[array]
        self.array = array
        self.element = from_dtype(shape.dtype) if shape.dtype.fields is None else _RowType(array)
        self.row_bytes = shape.dtype.itemsize
        self.columns = shape.columns


class _WordsType(types.Type):
    """The header's words."""

    def __init__(self) -> None:
        super().__init__(name="Words")
        self.array = "header"
        self.element = types.int64
        self.columns = 1


_MARKET: Final = _MarketType()
_WORDS: Final = _WordsType()
_ROWS: Final = {name: _RowsType(name) for name in _SHAPES}


class _AddressModel(models.PrimitiveModel):
    def __init__(self, manager: Any, type_: Any) -> None:
        super().__init__(manager, type_, ir.IntType(64).as_pointer())


for _type in (_MarketType, _RowType, _RowsType, _WordsType):
    register_model(_type)(_AddressModel)


def _said(instruction: Any, builder: Any, what: str) -> Any:
    """Say which of the market's values a load or store is of: others need not be loaded again after it.

    It is what a compiler of C makes of struct types: without it any store may change any value.
    """
    root = builder.module.add_metadata(["market"])
    kind = builder.module.add_metadata([what, root, _constant(0)])
    instruction.set_metadata("tbaa", builder.module.add_metadata([kind, kind, _constant(0)]))
    return instruction


@intrinsic
def _market_of(_context: Any, _header: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.bitcast(array.data, ir.IntType(64).as_pointer())

    return _MARKET(_header), generate


@intrinsic
def _prefetch(_context: Any, _rows: Any, _place: Any, _octet: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, place, octet = arguments
        # Memory that is not there may be asked for, so no bounds are checked.
        at = _row_at if isinstance(signature.args[0].element, _RowType) else _element_at
        element = at(context, builder, signature.args[0], rows, place)
        address = builder.gep(builder.bitcast(element, _OCTET.as_pointer()), [octet])
        flag = ir.IntType(32)
        declared = builder.module.declare_intrinsic(
            "llvm.prefetch", [address.type], ir.FunctionType(ir.VoidType(), [address.type, flag, flag, flag])
        )
        # To be read (asking for what is to be written is no faster), kept near, data.
        builder.call(declared, [address, flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.void(_rows, types.int64, types.int64), generate


@intrinsic
def _row_or_spare(_context: Any, rows: Any, _place: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _row_at(context, builder, signature.args[0], *arguments)

    return rows.element(rows, types.int64), generate


@intrinsic
def _load_word(_context: Any, octets: Any, _place: Any) -> Any:
    def generate(_context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, place = arguments
        first = _base(builder, signature.args[0], rows, _OCTET)
        address = builder.bitcast(builder.gep(first, [place]), _WORD.as_pointer())
        return _said(builder.load(address, align=1), builder, "text")

    return types.int64(octets, types.int64), generate


@intrinsic
def _alike(_context: Any, rows: Any, _row: Any, _first: Any, _number: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, row, first, number = arguments
        place = context.make_tuple(builder, types.UniTuple(types.intp, 2), (row, first))
        element = _element_at(context, builder, signature.args[0], value, place)
        some = ir.VectorType(number.type, layout.BUCKET)
        loaded = builder.load(builder.bitcast(element, some.as_pointer()), align=number.type.width // 8)
        sought = ir.Constant(some, ir.Undefined)
        for way in range(layout.BUCKET):
            sought = builder.insert_element(sought, number, ir.Constant(ir.IntType(32), way))
        _said(loaded, builder, signature.args[0].array)
        same = builder.bitcast(builder.icmp_signed("==", loaded, sought), ir.IntType(layout.BUCKET))
        return builder.zext(same, _WORD)

    return types.int64(rows, types.int64, types.int64, rows.element), generate


market_of = cast("Callable[[npt.NDArray[np.int64]], Any]", _market_of)
"""Give the market whose header an int64 array is."""
prefetch = cast("Callable[[Any, int, int], None]", _prefetch)
"""Ask for the memory of an array's row from one of its bytes on; it will be wanted some hundred nanoseconds
from now."""
row_or_spare = cast("Callable[[Any, int], Any]", _row_or_spare)
"""Give an order's row; for NONE the one before the first, which is nobody's: it may be written, as if there
were a neighbour."""
alike = cast("Callable[[Any, int, int, int], int]", _alike)
"""Tell which of `BUCKET` elements, from a row's column on, equal a number: a bit each, the lowest first."""
load_word = cast("Callable[[Any, int], int]", _load_word)
"""Give the eight bytes from a place on, of a market's array of bytes; they need not be aligned."""


class _MarketAttributes(AttributeTemplate):
    key = _MarketType

    def generic_resolve(self, _market: Any, name: str) -> Any:  # type: ignore[override] # as others do, who are not checked
        return _WORDS if name == "header" else _ROWS.get(name)


infer_getattr(_MarketAttributes)


class _RowAttributes(AttributeTemplate):
    key = _RowType

    def generic_resolve(self, row: Any, name: str) -> Any:  # type: ignore[override] # as above
        return row.record.typeof(name) if name in row.record.fields else None


infer_getattr(_RowAttributes)


def _field_at(context: Any, builder: Any, row: Any, value: Any, name: str) -> Any:
    place = builder.gep(builder.bitcast(value, _OCTET.as_pointer()), [_constant(row.record.offset(name))])
    return builder.bitcast(place, context.get_data_type(row.record.typeof(name)).as_pointer())


@lower_getattr_generic(_RowType)
def _get_field(context: Any, builder: Any, row: Any, value: Any, name: str) -> Any:
    field = builder.load(_field_at(context, builder, row, value, name))
    return _said(field, builder, f"{row.array}.{name}")


@lower_setattr_generic(_RowType)
def _set_field(context: Any, builder: Any, signature_: Any, arguments: Any, name: str) -> None:
    row, given = signature_.args
    number = context.cast(builder, arguments[1], given, row.record.typeof(name))
    stored = builder.store(number, _field_at(context, builder, row, arguments[0], name))
    _said(stored, builder, f"{row.array}.{name}")


@lower_getattr_generic(_MarketType)
def _reach(_context: Any, _builder: Any, _market: Any, value: Any, _name: str) -> Any:
    return value


def _place_type(array: Any) -> Any:
    return types.intp if array.columns == 1 else types.UniTuple(types.intp, 2)


@infer_global(operator.getitem)
class _GetRow(AbstractTemplate):
    def generic(self, arguments: Any, _keywords: Any) -> Any:
        array = arguments[0]
        if isinstance(array, _RowsType | _WordsType):
            return signature(array.element, array, _place_type(array))
        return None


@infer_global(len)
class _CountRows(AbstractTemplate):
    def generic(self, arguments: Any, _keywords: Any) -> Any:
        return signature(types.intp, arguments[0]) if isinstance(arguments[0], _RowsType) else None


@infer_global(operator.setitem)
class _SetElement(AbstractTemplate):
    def generic(self, arguments: Any, _keywords: Any) -> Any:
        array = arguments[0]
        if isinstance(array, _RowsType | _WordsType) and not isinstance(array.element, _RowType):
            return signature(types.none, array, _place_type(array), array.element)
        return None


def _element_at(context: Any, builder: Any, array: Any, value: Any, place: Any) -> Any:
    """Give the address of an array's element, a row or a number."""
    if isinstance(array, _WordsType):
        return builder.gep(value, [place])
    if array.columns != 1:
        row, column = (builder.extract_value(place, part) for part in (0, 1))
        _check_bounds(context, builder, array, value, row)
        place = builder.add(builder.mul(row, _constant(array.columns)), column)
    else:
        _check_bounds(context, builder, array, value, place)
    if isinstance(array.element, _RowType):
        return _row_at(context, builder, array, value, place)
    return builder.gep(_base(builder, array, value, context.get_data_type(array.element)), [place])


def _row_at(context: Any, builder: Any, array: Any, value: Any, place: Any) -> Any:
    octets = builder.mul(place, _constant(array.row_bytes))
    row = builder.gep(_base(builder, array, value, _OCTET), [octets])
    return builder.bitcast(row, context.get_value_type(array.element))


def _base(builder: Any, array: Any, header: Any, element: Any) -> Any:
    """Give the address of an array's first element."""
    pointer = element.as_pointer()
    if array.array in PLACES:
        octets = builder.bitcast(header, _OCTET.as_pointer())
        return builder.bitcast(builder.gep(octets, [_constant(PLACES[array.array])]), pointer)
    word = builder.gep(header, [_constant(ADDRESSES[array.array])])
    address = builder.load(builder.bitcast(word, pointer.as_pointer()))
    # It is the same throughout a call.
    address.set_metadata("invariant.load", builder.module.add_metadata([]))
    return _said(address, builder, "addresses")


def _rows_of(builder: Any, array: Any, header: Any) -> Any:
    return _said(builder.load(builder.gep(header, [_constant(ROWS[array.array])])), builder, "addresses")


def _constant(number: int) -> Any:
    return ir.Constant(ir.IntType(64), number)


@lower_builtin(len, _RowsType)
def _count(_context: Any, builder: Any, signature_: Any, arguments: Any) -> Any:
    return _rows_of(builder, signature_.args[0], arguments[0])


def _check_bounds(context: Any, builder: Any, array: Any, value: Any, row: Any) -> None:
    if not vars(config)["BOUNDSCHECK"]:
        return
    rows = _rows_of(builder, array, value)
    with builder.if_then(builder.icmp_unsigned(">=", row, rows), likely=False):
        context.call_conv.return_user_exc(builder, IndexError, ("a row that the array does not have",))


def _get(context: Any, builder: Any, signature_: Any, arguments: Any) -> Any:
    array = signature_.args[0]
    address = _element_at(context, builder, array, *arguments)
    return (
        address if isinstance(array.element, _RowType) else _said(builder.load(address), builder, array.array)
    )


def _set(context: Any, builder: Any, signature_: Any, arguments: Any) -> Any:
    value, place, number = arguments
    array = signature_.args[0]
    stored = builder.store(number, _element_at(context, builder, array, value, place))
    _said(stored, builder, array.array)
    return context.get_dummy_value()


for _type in (_RowsType, _WordsType):
    for _places in (types.Integer, types.UniTuple):
        lower_builtin(operator.getitem, _type, _places)(_get)
        lower_builtin(operator.setitem, _type, _places, types.Any)(_set)
