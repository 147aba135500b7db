"""Rows as DataFrames: a column for each field of a struct, typed by the field's annotation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import cache
from operator import attrgetter
from types import NoneType
from typing import Any, TypeAlias, get_args, get_type_hints

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

_MakeColumn: TypeAlias = Callable[[list[Any]], Any]
_TIME_FIELD = "time_ms"


def frame_of(row_type: type[Struct], rows: Sequence[Struct]) -> pd.DataFrame:
    """Make a table of rows, indexed by their `time_ms` as UTC time.

    Parameters
    ----------
    row_type : type
        A struct with a `time_ms`; its other fields are the columns. An `int` becomes int64, a `float`
        float64, a `str` pandas' str, an enum a category; what may be None becomes the nullable kind.
    rows : sequence of that struct

    Returns
    -------
    DataFrame
        One row for each, in their order. No rows give no rows, with the same columns and types.
    """
    columns = {name: make(list(map(attrgetter(name), rows))) for name, make in _columns_of(row_type).items()}
    times_ms = [getattr(row, _TIME_FIELD) for row in rows]
    return pd.DataFrame(columns, index=time_index(times_ms), copy=False)


def time_index(times_ms: Sequence[int] | NDArray[np.int64]) -> pd.DatetimeIndex:
    """Give UTC milliseconds as an index of times."""
    return pd.DatetimeIndex(np.asarray(times_ms, np.int64).view("M8[ms]"), tz="UTC", name="time")


@cache
def _columns_of(row_type: type[Struct]) -> dict[str, _MakeColumn]:
    hints = get_type_hints(row_type)
    return {name: _column_of(hints[name]) for name in row_type.__struct_fields__ if name != _TIME_FIELD}


def _column_of(annotation: Any) -> _MakeColumn:
    kinds = [kind for kind in get_args(annotation) or (annotation,) if kind is not NoneType]
    assert len(kinds) == 1, "a column holds one kind of value"
    (kind,) = kinds
    nullable = kind is not annotation
    if issubclass(kind, StrEnum):
        return _category(kind)
    if nullable and kind in (int, bool):
        return _nullable_integers if kind is int else _nullable_booleans
    if kind is str:
        return lambda values: pd.array(values, dtype="str")
    dtype = {int: np.int64, float: np.float64, bool: np.bool_}[kind]
    return lambda values: np.array(values, dtype)


def _category(kind: type[StrEnum]) -> _MakeColumn:
    dtype = pd.CategoricalDtype([str(member) for member in kind])
    codes: dict[StrEnum | None, int] = {member: code for code, member in enumerate(kind)} | {None: -1}

    def categories(values: list[Any]) -> Any:
        return pd.Categorical.from_codes([codes[value] for value in values], dtype=dtype)

    return categories


def _nullable_integers(values: list[int | None]) -> Any:
    missing = np.array([value is None for value in values], np.bool_)
    return pd.arrays.IntegerArray(np.array([value or 0 for value in values], np.int64), missing)


def _nullable_booleans(values: list[bool | None]) -> Any:
    missing = np.array([value is None for value in values], np.bool_)
    return pd.arrays.BooleanArray(np.array([bool(value) for value in values], np.bool_), missing)
