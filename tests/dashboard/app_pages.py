"""The page as Streamlit's AppTest runs it: without a browser, so that the test puts in the cookie."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

import dashboard

APP = Path(dashboard.__file__).parent / "app.py"


def open_page(view: str = "trade", **query: str) -> AppTest:
    """Open a view of the page."""
    page = AppTest.from_file(str(APP), default_timeout=30)
    for name, value in query.items():
        page.query_params[name] = value
    if view != "trade":
        page.switch_page(f"views/{view}.py")
    page.run()
    assert not page.exception
    return page


def previews(page: AppTest) -> list[str]:
    """Give the previews that the ticket shows, as HTML."""
    return [html.proto.body for html in page.get("html") if html.proto.body.startswith("<dl")]


def mounted(page: AppTest) -> list[str]:
    """Give the keys of the browser's panes that are on the page."""
    return [element.proto.id.rsplit("-", 1)[-1] for element in page.get("bidi_component")]
