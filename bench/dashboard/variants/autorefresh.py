"""A page that runs anew every second."""

from __future__ import annotations

from streamlit_autorefresh import st_autorefresh

from bench.dashboard.variants.drawing import draw

st_autorefresh(interval=1_000, key="refresh")
draw()
