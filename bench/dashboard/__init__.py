"""The page in real Chromium: from a trade to its pixel, beside Streamlit's own ways to redraw."""
