"""The History page: every order and its life, every trade, what each day earned; statements as files."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import (
    cards,
    downloads,
    formats,
    frames,
    history,
    names,
    reading,
    session,
    tables,
    viewer,
    words,
)
from dashboard.views.opening import why_no_account
from homebroker.client import Candle, ClientError, Order, SignedOutError, asks

SHOWN: Final = ("Orders", "Trades", "Profit by day")
DAYS: Final = 366
ORDERS_MAX: Final = 1_000
KEPT_S: Final = 60
HOW_THEY_COME: Final = "what you send from the Trade page, and what comes of it, is listed here."
TABLE_HEIGHT_PX: Final = 560
TABLE_OVER_A_LIFE_PX: Final = 330
LIFE_HEIGHT_PX: Final = 210


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    zone = st.context.timezone
    return {
        "time": st.column_config.DatetimeColumn("Time", format=tables.TIME, timezone=zone),
        "day": st.column_config.DateColumn("Day", format="DD/MM/YYYY"),
        "symbol": "Symbol",
        "side": "Side",
        "type": "Type",
        "event": "What happened",
        "status": "Status",
        "liquidity": "Liquidity",
        "quantity": number("Quantity"),
        "display_quantity": number("Shows", help="How much of it the book shows at a time."),
        "filled": number("Filled"),
        "remaining": number("Left"),
        "bought": number("Bought"),
        "sold": number("Sold"),
        "held": number("Held"),
        "traded": number("Traded"),
        "price": number("Price (R$)"),
        "stop_price": number("Stop (R$)"),
        "in_force": "In force",
        # Told beside it, in short; the files have the whole date.
        "expires_at": None,
        "average_price": number("Average (R$)"),
        "traded_at": number("Traded at (R$)"),
        "value": number("Value (R$)"),
        "fee": number("Fee (R$)"),
        "fees": number("Fees (R$)"),
        "realized": number("Realized (R$)"),
        "unrealized": number("Unrealized (R$)"),
        "why": st.column_config.TextColumn("Why", width="medium"),
        "order_id": st.column_config.TextColumn("Order", width="small"),
    }


@st.cache_data(ttl=KEPT_S, max_entries=64, show_spinner=False)
def _days(api_url: str, symbol: str) -> list[Candle]:
    return session.client(api_url).ask(asks.candles(symbol, "1d", limit=DAYS)).candles


def _orders(text: str, files: DeltaGenerator) -> None:
    found = session.signed_in().ask(asks.orders(status="all", limit=ORDERS_MAX))
    listed = frames.orders(found, viewer.zone(), viewer.now_ms())
    table = frames.searched(listed, text).reset_index(drop=True)
    chosen = _table(table, "orders", files, "orders", text, is_chooser=True)
    if table.empty:
        return
    if chosen is None and len(table) > 1:
        with st.container(key="wide_hint"):
            st.caption("Choose an order (the box at its left) to see its life, step by step.")
        return
    _life({order.order_id: order for order in found}[table.iloc[chosen or 0]["order_id"]])


def _life(order: Order) -> None:
    st.markdown(f"**{names.terms(order, viewer.zone(), viewer.now_ms())}** · order {order.order_id}")
    life = frames.executions(reading.executions(session.signed_in(), order_id=order.order_id, rows_max=1_000))
    _rows(life, "life", LIFE_HEIGHT_PX, alt="The order's life")


def _trades(text: str, files: DeltaGenerator) -> None:
    found = reading.executions(session.signed_in(), execution_type="trade")
    _table(frames.searched(frames.fills(found), text), "trades", files, "trades", text)
    if len(found) == reading.EXECUTIONS_MAX:
        newest = formats.number(reading.EXECUTIONS_MAX)
        st.caption(f"The newest {newest} trades; older ones are at the API's /executions.")


def _profit(text: str, files: DeltaGenerator) -> None:
    person, api_url = session.signed_in(), session.config().api_url
    ends = person.ask(asks.daily_positions())
    closes = {
        symbol: {history.day_of(candle.time_ms): candle.close for candle in _days(api_url, symbol)}
        for symbol in {end.symbol for end in ends}
    }
    fills = reading.executions(person, execution_type="trade")
    table = frames.days(history.days_by_symbol(ends, fills, closes))
    _table(frames.searched(table, text), "profit_by_day", files, "days with shares", text)
    st.caption(
        "Days end at midnight in Brasília. Unrealized: of all shares held at the day's end. Before fees."
    )


def _table(
    table: pd.DataFrame, name: str, files: DeltaGenerator, what: str, text: str, *, is_chooser: bool = False
) -> int | None:
    """Draw a table, and its files where the page has their place; gives the place of the chosen row.

    Of an empty one it tells `what` there is none of, and whether the searched `text` is why.
    """
    if table.empty:
        told = f"None of your {what} has these words." if text else f"No {what} yet: {HOW_THEY_COME}"
        st.info(told, icon=":material/search_off:")
        return None
    with files:
        downloads.buttons(table, name)
    if not is_chooser:
        _rows(table, name, TABLE_HEIGHT_PX, alt=name)
        return None
    chosen = st.session_state.get(name, {}).get("selection", {}).get("rows", [])
    is_over_a_life = chosen or len(table) == 1
    height_px = TABLE_OVER_A_LIFE_PX if is_over_a_life else TABLE_HEIGHT_PX
    rows = _rows(table, name, height_px, alt=name, is_chooser=True)
    return rows[0] if rows and rows[0] < len(table) else None


def _rows(table: pd.DataFrame, name: str, height_px: int, *, alt: str, is_chooser: bool = False) -> list[int]:
    """Draw a table's rows, on a phone as cards; gives the places of those that are chosen."""
    _cards(table, name)
    with st.container(key=f"wide_{name}"):
        state = st.dataframe(
            tables.written(table),
            column_config=_columns(),
            hide_index=True,
            placeholder=tables.NONE,
            height=height_px,
            key=name,
            on_select="rerun" if is_chooser else "ignore",
            selection_mode="single-row",
            alt=alt,
        )
    return [] if isinstance(state, DeltaGenerator) else state["selection"]["rows"]


def _cards(table: pd.DataFrame, name: str) -> None:
    """Draw a table again as what a phone shows in its place (page.css): its columns would not fit."""
    columns = _columns()
    made = {name: columns[name] for name in map(str, table) if columns[name]}
    labels = {name: told if isinstance(told, str) else told["label"] for name, told in made.items()}
    with st.container(key=f"narrow_{name}"):
        st.html(cards.html(table, cards.FACES[name], labels, viewer.zone()))
        if len(table) > cards.CARDS_MAX:
            whole = formats.number(len(table))
            st.caption(f"The first {cards.CARDS_MAX} of {whole}: search for others, or take the file.")


def _draw() -> None:
    with st.container(horizontal=True, gap="small", key="history_bar", vertical_alignment="center"):
        shown = st.segmented_control(
            "Show",
            SHOWN,
            default=SHOWN[0],
            required=True,
            key="show",
            bind="query-params",
            label_visibility="collapsed",
        )
        text = st.text_input(
            "Search",
            key="search",
            bind="query-params",
            max_chars=64,
            placeholder="Search: symbol, status, order …",
            label_visibility="collapsed",
        )
        files = st.container(key="history_files", width="content")
        st.button("Refresh", icon=":material/refresh:", key="history_refresh")
    {"Orders": _orders, "Trades": _trades, "Profit by day": _profit}[shown](text, files)


user = session.user()
if not user.trades:
    why_no_account(user)
    st.stop()
try:
    _draw()
except SignedOutError:
    st.rerun()
except ClientError as error:
    session.try_again_soon(words.trouble(error))
