"""A fragment that runs twice a second."""

from __future__ import annotations

import streamlit as st

from bench.dashboard.variants.drawing import draw

st.fragment(draw, run_every=0.5)()
