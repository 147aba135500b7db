"""The History page: every order and its life, every trade, what each day earned; statements as files."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import streamlit as st

from dashboard import downloads, frames, history, reading, session
from dashboard.views.opening import why_no_account
from homebroker.client import Candle, ClientError, SignedOutError, asks

SHOWN: Final = ("Orders", "Trades", "Profit by day")
DAYS: Final = 366
ORDERS_MAX: Final = 1_000
KEPT_S: Final = 60
TABLE_HEIGHT_PX: Final = 560
TABLE_OVER_A_LIFE_PX: Final = 330
LIFE_HEIGHT_PX: Final = 210


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    zone = st.context.timezone
    money: dict[str, Any] = {"format": "localized", "step": 0.01}
    return {
        "time": st.column_config.DatetimeColumn("Time", format="DD/MM/YYYY HH:mm:ss", timezone=zone),
        "day": st.column_config.DateColumn("Day", format="DD/MM/YYYY"),
        "symbol": "Symbol",
        "side": "Side",
        "type": "Type",
        "event": "What happened",
        "status": "Status",
        "liquidity": "Liquidity",
        "quantity": number("Quantity", format="localized"),
        "filled": number("Filled", format="localized"),
        "remaining": number("Left", format="localized"),
        "bought": number("Bought", format="localized"),
        "sold": number("Sold", format="localized"),
        "held": number("Held", format="localized"),
        "traded": number("Traded", format="localized"),
        "price": number("Price (R$)", **money),
        "stop_price": number("Stop (R$)", **money),
        "average_price": number("Average (R$)", **money),
        "traded_at": number("Traded at (R$)", **money),
        "value": number("Value (R$)", **money),
        "fee": number("Fee (R$)", **money),
        "fees": number("Fees (R$)", **money),
        "realized": number("Realized (R$)", **money),
        "unrealized": number("Unrealized (R$)", **money),
        "why": st.column_config.TextColumn("Why", width="medium"),
        "order_id": "Order",
    }


@st.cache_data(ttl=KEPT_S, max_entries=64, show_spinner=False)
def _days(api_url: str, symbol: str) -> list[Candle]:
    return session.client(api_url).ask(asks.candles(symbol, "1d", limit=DAYS)).candles


def _orders(text: str) -> None:
    found = session.signed_in().ask(asks.orders(status="all", limit=ORDERS_MAX))
    table = frames.searched(frames.orders(found), text).reset_index(drop=True)
    chosen = _table(table, "orders", is_chooser=True)
    if chosen is None:
        st.caption("Choose an order (the box at its left) to see its life, step by step.")
        return
    order = table.iloc[chosen]
    st.markdown(f"**{order['side']} {order['symbol']}, order {order['order_id']}**")
    life = frames.executions(
        reading.executions(session.signed_in(), order_id=str(order["order_id"]), rows_max=1_000)
    )
    st.dataframe(
        life,
        column_config=_columns(),
        hide_index=True,
        placeholder="–",
        height=LIFE_HEIGHT_PX,
        key="life",
        alt="The order's life",
    )


def _trades(text: str) -> None:
    found = reading.executions(session.signed_in(), execution_type="trade")
    _table(frames.searched(frames.fills(found), text), "trades")
    if len(found) == reading.EXECUTIONS_MAX:
        st.caption(f"The newest {reading.EXECUTIONS_MAX} trades; older ones are at the API's /executions.")


def _profit(text: str) -> None:
    person, api_url = session.signed_in(), session.config().api_url
    ends = person.ask(asks.daily_positions())
    closes = {
        symbol: {history.day_of(candle.time_ms): candle.close for candle in _days(api_url, symbol)}
        for symbol in {end.symbol for end in ends}
    }
    fills = reading.executions(person, execution_type="trade")
    table = frames.days(history.days_by_symbol(ends, fills, closes))
    _table(frames.searched(table, text), "profit_by_day")
    st.caption(
        "Days end at midnight in Brasília. Unrealized: of all shares held at the day's end. Before fees."
    )


def _table(table: pd.DataFrame, name: str, *, is_chooser: bool = False) -> int | None:
    """Draw a table with its files; gives the place of the row that is chosen."""
    if table.empty:
        st.info("Nothing here yet, or nothing that has these words.", icon=":material/search_off:")
        return None
    with st.container(key="history_files"):
        downloads.buttons(table, name)
    if not is_chooser:
        st.dataframe(
            table,
            column_config=_columns(),
            hide_index=True,
            placeholder="–",
            height=TABLE_HEIGHT_PX,
            key=name,
            alt=name,
        )
        return None
    chosen = st.session_state.get(name, {}).get("selection", {}).get("rows", [])
    state = st.dataframe(
        table,
        column_config=_columns(),
        hide_index=True,
        placeholder="–",
        height=TABLE_OVER_A_LIFE_PX if chosen else TABLE_HEIGHT_PX,
        key=name,
        on_select="rerun",
        selection_mode="single-row",
        alt=name,
    )
    rows = state["selection"]["rows"]
    return rows[0] if rows and rows[0] < len(table) else None


def _draw() -> None:
    with st.container(horizontal=True, gap="small", key="history_bar", vertical_alignment="bottom"):
        shown = st.segmented_control(
            "Show", SHOWN, default=SHOWN[0], required=True, key="show", bind="query-params"
        )
        text = st.text_input(
            "Search", key="search", bind="query-params", max_chars=64, placeholder="symbol, status, order …"
        )
        st.button("Refresh", icon=":material/refresh:", key="history_refresh")
    {"Orders": _orders, "Trades": _trades, "Profit by day": _profit}[shown](text)


user = session.user()
if not user.trades:
    why_no_account(user)
    st.stop()
try:
    _draw()
except SignedOutError:
    st.rerun()
except ClientError as error:
    session.try_again_soon(error.message)
