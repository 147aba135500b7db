"""Who may come in, and where to; the pages themselves are in `views`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import streamlit as st

from dashboard import session
from dashboard.components.live.live import sign_in_form, signed_in_mark

VIEWS = Path(__file__).parent / "views"

# A Material icon as the page's icon would be fetched from another site.
st.set_page_config(page_title="Homebroker", page_icon="📈", layout="wide")
st.html(Path(__file__).parent / "page.css")
visit = session.visit()
pages = [
    st.Page(VIEWS / "trade.py", title="Trade", icon=":material/candlestick_chart:", default=True),
    st.Page(VIEWS / "market.py", title="Market", icon=":material/list_alt:"),
    st.Page(VIEWS / "portfolio.py", title="Portfolio", icon=":material/account_balance_wallet:"),
    st.Page(VIEWS / "history.py", title="History", icon=":material/history:"),
    st.Page(VIEWS / "analysis.py", title="Analysis", icon=":material/query_stats:"),
]
# Known also to those who may not use it: its address then says so, as after an admin has signed out there.
is_admin = visit.user is not None and visit.user.role == "admin"
shown: Literal["visible", "hidden"] = "visible" if is_admin else "hidden"
pages.append(st.Page(VIEWS / "admin.py", title="Admin", icon=":material/tune:", visibility=shown))
page = st.navigation(pages, position="top" if visit.user else "hidden")
config = session.config()
if visit.user is not None:
    signed_in_mark(api_port=config.api_port, user=visit.user, visit=session.visit_name())
    page.run()
elif visit.trouble:
    session.wait_for_api()
else:
    sign_in_form(api_port=config.api_port, demo_users=config.demo_users)
