"""The home broker page: Streamlit around live panes that the browser keeps up to date by itself."""
