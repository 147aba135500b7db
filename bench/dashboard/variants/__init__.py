"""The same candles and last price, redrawn by Streamlit itself: what the page is compared with."""
