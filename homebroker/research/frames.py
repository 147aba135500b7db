"""Arrow tables as what callers ask for: pandas by default, polars, or as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from homebroker.research.arguments import check_word, shown
from homebroker.research.schemas import TIME_FIELD, table_of_structs

Kind: TypeAlias = Literal["pandas", "arrow", "polars"]
"""What a table is given as."""
_KINDS = ("pandas", "arrow", "polars")


def check_kind(kind: str) -> None:
    """Refuse a kind of table that there is not, or whose library is not installed."""
    check_word(kind, _KINDS, what="kind of table")
    if kind == "polars":
        try:
            import polars  # noqa: F401, PLC0415 - only who asks for it needs it
        except ImportError:
            raise ValueError(
                'to="polars" needs the package polars; install it (`pip install polars`) or take to="arrow".'
            ) from None


def given(table: pa.Table, kind: Kind) -> Any:
    """Give a table as the kind that was asked for.

    Returns
    -------
    DataFrame or Table
        For pandas, indexed by `time_ms` as UTC time; an int64 that may be missing is Int64, an enum a
        category. Arrow and polars have `time_ms` as a column.
    """
    if kind == "arrow":
        return table
    if kind == "polars":
        import polars  # noqa: PLC0415

        return polars.from_arrow(table)
    return pandas_of(table)


def given_frame(frame: pd.DataFrame, kind: Kind) -> Any:
    """Give a DataFrame of any columns as the kind that was asked for."""
    if kind == "pandas":
        return frame
    return given(pa.Table.from_pandas(frame, preserve_index=False), kind)


def pandas_of(table: pa.Table) -> pd.DataFrame:
    """Give a table as a DataFrame, indexed by its `time_ms` as UTC time."""
    columns = {
        field.name: _pandas_column(field, table.column(field.name))
        for field in table.schema
        if field.name != TIME_FIELD
    }
    return pd.DataFrame(columns, index=time_index(table.column(TIME_FIELD).to_numpy()), copy=False)


def frame_of(row_type: type[Struct], rows: Sequence[Struct]) -> pd.DataFrame:
    """Make a DataFrame of values that have a `time_ms`."""
    return pandas_of(table_of_structs(row_type, list(rows)))


def time_index(times_ms: Sequence[int] | NDArray[np.int64]) -> pd.DatetimeIndex:
    """Give UTC milliseconds as an index of times."""
    return pd.DatetimeIndex(np.asarray(times_ms, np.int64).view("M8[ms]"), tz="UTC", name="time")


def _pandas_column(field: pa.Field, column: pa.ChunkedArray) -> Any:
    if pa.types.is_dictionary(field.type):
        whole = column.unify_dictionaries().combine_chunks()
        codes = whole.indices.fill_null(-1).to_numpy()
        return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(whole.dictionary.to_pylist()))
    if field.nullable and pa.types.is_integer(field.type):
        missing = column.is_null().to_numpy()
        return pd.arrays.IntegerArray(column.fill_null(0).to_numpy(), missing)
    if field.nullable and pa.types.is_boolean(field.type):
        missing = column.is_null().to_numpy()
        return pd.arrays.BooleanArray(column.fill_null(False).to_numpy(), missing)
    if pa.types.is_large_string(field.type):
        return pd.array(column, dtype="str")
    return column.to_numpy()


def check_columns(table: object, names: Iterable[str], *, what: str) -> None:
    """Refuse what is no table indexed by time with some columns; an Arrow table has its time as `time_ms`."""
    names = set(names)
    has = set(getattr(table, "column_names", ())) or set(getattr(table, "columns", ()))
    index = getattr(table, "index", None)
    by_time = "time_ms" in has if index is None else isinstance(index, pd.DatetimeIndex)
    if not by_time or not names <= has:
        raise ValueError(
            f"{shown(table)} is no table of {what}; "
            f"give one indexed by time, with {', '.join(sorted(names))}."
        )
