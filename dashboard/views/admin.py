"""The Admin page: how the market keeps up, its phases and assets, its simulator, and everybody's accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from dashboard import administration, formats, frames, session, tables, words
from dashboard.administration import PHASES, SCENARIOS
from dashboard.wallet import WishKeys
from homebroker.client import Act, ClientError, RefusedError, SignedOutError, Ticker

LOOK_PERIOD_S: Final = 3
RATE_MAX: Final = 2_000
LATE_MS: Final = 10_000
_TOLD: Final = "admin_told"


def _do(what: str, act: Callable[[], object]) -> None:
    """Do something to the market and remember what to say of it."""
    try:
        done = act()
    except SignedOutError:
        st.rerun()
    except RefusedError as error:
        kind, text = "error", f"{what} was not done. {words.refusal(error.reason, error.message)}"
    except ClientError as error:
        kind, text = "warning", f"{words.trouble(error)} {what} may have been done: look first."
    else:
        pending = isinstance(done, Act) and done.status == "pending"
        kind = "warning" if pending else "success"
        text = f"{what} was sent; the market has yet to answer." if pending else f"{what} is done."
    st.session_state.setdefault(_TOLD, []).append((kind, text))


def _tell() -> None:
    for kind, text in st.session_state.pop(_TOLD, []):
        st.toast(text, icon={"success": "✅", "warning": "⚠️", "error": "⛔"}[kind])
        if kind == "error":
            st.error(text)


@st.fragment(run_every=LOOK_PERIOD_S)
def _system() -> None:
    try:
        status = administration.system(session.signed_in())
    except SignedOutError:
        st.rerun()
    except ClientError as error:
        st.warning(
            f"{words.trouble(error)} Looking again every {LOOK_PERIOD_S} seconds…",
            icon=":material/cloud_off:",
        )
        return
    columns = st.columns(len(status.parts) + 2, gap="small")
    for column, part in zip(columns, status.parts, strict=False):
        good = part.state == "ready" and (part.name != "engine" or status.silent_ms < LATE_MS)
        with column.container(border=True, key=f"part_{part.name}", gap=None):
            st.markdown(f"{':green[●]' if good else ':orange[●]'} **{part.name}**")
            st.caption(words.told(part.message))
    for column, name, value in (
        (columns[-2], "Symbols", status.symbols),
        (columns[-1], "Accounts", status.accounts),
    ):
        with column.container(border=True, key=f"count_{name}", gap=None):
            st.markdown(f"**{name}**")
            st.caption(formats.number(value))


def _simulator() -> None:
    wish = administration.simulator(session.signed_in())
    with st.form("simulator", border=False):
        scenario = st.radio(
            "Scenario",
            list(SCENARIOS),
            index=list(SCENARIOS).index(wish.scenario) if wish.scenario in SCENARIOS else 0,
            format_func=SCENARIOS.__getitem__,
        )
        rate = st.slider(
            "Commands a second",
            0,
            RATE_MAX // 4,
            int(wish.rate) if wish.rate is not None else 40,
            help="What simulated investors send. 0: they wait.",
        )
        if st.form_submit_button("Steer the simulator", type="primary", key="steer"):
            _do(
                "Steering the simulator",
                lambda: administration.steer(session.signed_in(), scenario, float(rate)),
            )
            st.rerun()


def _phases(assets: list[Ticker]) -> None:
    with st.form("phases", border=False):
        symbols = st.multiselect("Symbols", [asset.symbol for asset in assets], placeholder="choose some")
        phase = st.segmented_control(
            "Phase", list(PHASES), format_func=PHASES.__getitem__, default="continuous", required=True
        )
        if st.form_submit_button("Set the phase", type="primary", key="set_phase"):
            for symbol in symbols:
                _do(
                    f"{symbol}: {PHASES[phase]}",
                    lambda symbol=symbol: administration.set_phase(session.signed_in(), symbol, phase),  # type: ignore[misc]
                )
            st.rerun()
    st.caption(
        "Halted and closed symbols take no orders; leaving an auction trades all that crosses, at one price."
    )


def _listing() -> None:
    with st.form("listing", border=False):
        left, right = st.columns(2, gap="small")
        symbol = left.text_input("Symbol", max_chars=12, placeholder="BBAS3").strip().upper()
        name = right.text_input("Name", max_chars=64, placeholder="Banco do Brasil ON").strip()
        price = left.text_input("Reference price (R$)", "20,00", max_chars=16)
        tick = right.text_input("Tick (R$)", "0,01", max_chars=8)
        lot = left.text_input("Lot", "1", max_chars=8)
        band = right.text_input("Price band (%)", "15", max_chars=8)
        if st.form_submit_button("List", type="primary", key="list_asset"):
            numbers = [formats.parse_price(text) for text in (price, tick, band)]
            lot_size = formats.parse_whole(lot)
            if None in numbers or not lot_size or not symbol or not name:
                st.error("Fill in symbol and name, and numbers with a decimal comma, such as 20,00.")
                return
            fields: dict[str, object] = {
                "symbol": symbol,
                "name": name,
                "reference_price": numbers[0],
                "tick_size": numbers[1],
                "lot_size": lot_size,
                "price_band": (numbers[2] or 0.0) / 100,
            }
            _do(f"Listing {symbol}", lambda: administration.list_asset(session.signed_in(), fields))
            st.rerun()


def _accounts(assets: list[Ticker]) -> None:
    with st.form("accounts", border=False):
        investor = st.text_input("Account", max_chars=64, placeholder="demo").strip()
        left, right = st.columns(2, gap="small")
        what = left.selectbox("What", ["Cash (R$)", *(asset.symbol for asset in assets)])
        amount = right.text_input("How much", "1.000", max_chars=16)
        with st.container(horizontal=True, gap="small"):
            puts = st.form_submit_button("Deposit", type="primary", key="admin_deposit")
            takes = st.form_submit_button("Withdraw", key="admin_withdraw")
            stops = st.form_submit_button("Stop trading", key="admin_stop")
            frees = st.form_submit_button("Let trade", key="admin_free")
        if (puts or takes or stops or frees) and not investor:
            st.error("Type whose account it is.")
        elif puts or takes:
            fields = _moved(what, amount)
            keys: WishKeys = st.session_state.setdefault("admin_wishes", WishKeys())
            if fields is None:
                st.error("Type how much: reais with a decimal comma, or a whole number of shares.")
                return
            _do(
                f"{'Deposit' if puts else 'Withdrawal'} for {investor}",
                lambda: administration.move(session.signed_in(), investor, fields, out=takes, keys=keys),
            )
            st.rerun()
        elif stops or frees:
            _do(
                f"{'Stopping' if stops else 'Freeing'} {investor}",
                lambda: administration.switch(session.signed_in(), investor, on=stops),
            )
            st.rerun()


def _moved(what: str, amount: str) -> dict[str, object] | None:
    if what.startswith("Cash"):
        cash = formats.parse_amount(amount)
        return None if cash is None else {"cash": float(cash)}
    quantity = formats.parse_whole(amount)
    return None if quantity is None else {"symbol": what, "quantity": quantity}


def _audit() -> None:
    st.dataframe(
        frames.audit(administration.audit(session.signed_in())),
        column_config={
            "time": st.column_config.DatetimeColumn("Time", format=tables.TIME, timezone=st.context.timezone),
            "who": "Who",
            "did": "Did",
            "to": "To",
            "outcome": "Outcome",
        },
        hide_index=True,
        height=230,
        key="audit",
        alt="What was done",
    )


def _draw() -> None:
    _system()
    _tell()
    assets = session.listed_assets()
    left, wide = st.columns([1, 2], gap="small")
    with left.container(border=True, key="admin_simulator"):
        st.markdown("**Simulator**")
        _simulator()
    with left.container(border=True, key="admin_accounts"):
        st.markdown("**Accounts**")
        _accounts(assets)
    middle, right = wide.columns(2, gap="small")
    with middle.container(border=True, key="admin_phases", height="stretch"):
        st.markdown("**Phases and halts**")
        _phases(assets)
    with right.container(border=True, key="admin_listing", height="stretch"):
        st.markdown("**List an asset**")
        _listing()
    with wide.container(border=True, key="admin_audit"):
        st.markdown("**What was done**")
        _audit()


if session.user().role != "admin":
    st.info(
        "This page is for the market's admins. To run the market, sign in as one.", icon=":material/lock:"
    )
    st.stop()
try:
    _draw()
except SignedOutError:
    st.rerun()
except ClientError as error:
    session.try_again_soon(words.trouble(error))
