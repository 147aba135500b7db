"""Any table as a file."""

from __future__ import annotations

import io

import pandas as pd
import streamlit as st

from dashboard import tables


def csv(table: pd.DataFrame) -> bytes:
    """Write a table as CSV, in UTF-8 with a mark that spreadsheets know it by."""
    return _with_named_index(table).to_csv(index=False).encode("utf-8-sig")


def parquet(table: pd.DataFrame) -> bytes:
    """Write a table as Parquet."""
    content = io.BytesIO()
    _with_named_index(table).to_parquet(content, index=False)
    return content.getvalue()


def buttons(table: pd.DataFrame, name: str) -> None:
    """Offer a table as both."""
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "CSV",
            csv(table),
            f"{name}.csv",
            "text/csv",
            key=f"csv_{name}",
            on_click="ignore",
            icon=":material/download:",
        )
        st.download_button(
            "Parquet",
            parquet(table),
            f"{name}.parquet",
            "application/vnd.apache.parquet",
            key=f"parquet_{name}",
            on_click="ignore",
            icon=":material/download:",
        )


def popover(table: pd.DataFrame, name: str, *, label: str = "Table") -> None:
    """Offer a table to look at, and as files, behind a small button."""
    with st.popover(label, key=f"table_{name}"):
        buttons(table, name)
        st.dataframe(tables.written(table), column_config=tables.times(table), height=320)


def _with_named_index(table: pd.DataFrame) -> pd.DataFrame:
    if isinstance(table.index, pd.RangeIndex):
        return table
    return table.rename_axis(index=str(table.index.name or "symbol")).reset_index()
