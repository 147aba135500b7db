"""Navigation, and nothing else."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

VIEWS = Path(__file__).parent / "views"

# A Material icon as the page's icon would be fetched from another site.
st.set_page_config(page_title="Homebroker", page_icon="📈", layout="wide")
st.html(Path(__file__).parent / "page.css")
st.navigation(
    [
        st.Page(VIEWS / "trade.py", title="Trade", icon=":material/candlestick_chart:", default=True),
        st.Page(VIEWS / "market.py", title="Market", icon=":material/list_alt:"),
    ],
    position="top",
).run()
