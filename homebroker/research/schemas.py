"""What the columns of each table are: an Arrow schema from the fields of a struct."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from types import NoneType
from typing import Any, Final, get_args, get_type_hints

import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

TIME_FIELD: Final = "time_ms"
_CODES: Final = pa.int8()


@cache
def schema_of(row_type: type[Struct]) -> pa.Schema:
    """Give the schema of a table of rows.

    Parameters
    ----------
    row_type : type
        A struct. An `int` becomes int64, a `float` float64, a `str` large_string, an enum a dictionary of
        all its words; what may be None is nullable.
    """
    hints = get_type_hints(row_type)
    return pa.schema([_field(name, hints[name]) for name in row_type.__struct_fields__])


def words_of(enum: type[StrEnum]) -> pa.Array:
    """Give an enum's words in their order."""
    return pa.array([str(word) for word in enum], pa.large_string())


def categories(codes: NDArray[Any], enum: type[StrEnum]) -> pa.Array:
    """Give places in an enum as its words; null where negative."""
    indices = pa.array(codes.astype(np.int8), _CODES, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, words_of(enum))


def numbers(values: NDArray[Any], missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """Give numbers as an Arrow array, null where they are missing."""
    return pa.array(values, mask=missing)


def table_of_structs(row_type: type[Struct], rows: list[Any]) -> pa.Table:
    """Make a table of values: for people and what is rare, not for speed."""
    schema = schema_of(row_type)
    columns = [
        _column(field, enum, [getattr(row, field.name) for row in rows])
        for field, enum in zip(schema, _enums(row_type), strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(field: pa.Field, enum: type[StrEnum] | None, values: list[Any]) -> pa.Array:
    if enum is None:
        return pa.array(values, field.type)
    places: dict[Any, int] = {word: place for place, word in enumerate(enum)} | {None: -1}
    return categories(np.array([places[value] for value in values], np.int64), enum)


@cache
def _enums(row_type: type[Struct]) -> tuple[type[StrEnum] | None, ...]:
    hints = get_type_hints(row_type)
    kinds = [_kind(hints[name])[0] for name in row_type.__struct_fields__]
    return tuple(kind if issubclass(kind, StrEnum) else None for kind in kinds)


def _field(name: str, annotation: Any) -> pa.Field:
    kind, nullable = _kind(annotation)
    if issubclass(kind, StrEnum):
        return pa.field(name, pa.dictionary(_CODES, pa.large_string()), nullable)
    types = {int: pa.int64(), float: pa.float64(), bool: pa.bool_(), str: pa.large_string()}
    return pa.field(name, types[kind], nullable)


def _kind(annotation: Any) -> tuple[type, bool]:
    kinds = [kind for kind in get_args(annotation) or (annotation,) if kind is not NoneType]
    assert len(kinds) == 1, "a column holds one kind of value"
    return kinds[0], kinds[0] is not annotation
