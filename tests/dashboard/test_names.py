"""What an order asks for, in the words of the tables and, held against them, of the live panes."""

from __future__ import annotations

import io
import json
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.runtime.context import ContextProxy

from dashboard import downloads, formats, frames, names, viewer
from engine.domain import TIME_MS_MAX
from homebroker.client import Order
from tests.dashboard import answers
from tests.dashboard.conftest import Scripts

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
NOW_MS = answers.T0 + 12 * 3_600_000
DAY_MS = 86_400_000
ICEBERG = {
    "quantity": 1_200,
    "display_quantity": 1_000,
    "post_only": True,
    "time_in_force": "gtd",
    "expires_at_ms": NOW_MS + DAY_MS,
}


def _order(**changed: Any) -> Order:
    return msgspec.convert(answers.ORDER | changed, Order)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "Buy 100 PETR4 · Limit · Day"),
        (ICEBERG, "Buy 1.200 PETR4 · shows 1.000 · Limit, post only · Until 23/09 12:00"),
        ({"time_in_force": "gtd", "expires_at_ms": NOW_MS + 60_000}, "Buy 100 PETR4 · Limit · Until 12:01"),
        (
            {"time_in_force": "gtd", "expires_at_ms": NOW_MS + 30 * DAY_MS},
            "Buy 100 PETR4 · Limit · Until 22/10 12:00",
        ),
        ({"time_in_force": "gtd"}, "Buy 100 PETR4 · Limit · Until a date"),
        (
            {"side": "sell", "type": "market", "time_in_force": "fok"},
            "Sell 100 PETR4 · Market · All now or nothing",
        ),
        ({"side": None, "type": None, "time_in_force": None, "quantity": None}, "PETR4"),
    ],
)
def test_an_order_s_terms_are_a_line(changed: dict[str, Any], told: str) -> None:
    assert names.terms(_order(**changed), SAO_PAULO, NOW_MS) == told


@pytest.mark.parametrize(
    ("told", "zone"),
    [
        ("Asia/Tokyo", "Asia/Tokyo"),
        (None, SAO_PAULO.key),
        ("Mars/Olympus", SAO_PAULO.key),
        ("/", SAO_PAULO.key),
    ],
)
def test_a_zone_that_nobody_knows_is_the_market_s(
    monkeypatch: pytest.MonkeyPatch, told: str | None, zone: str
) -> None:
    monkeypatch.setattr(ContextProxy, "timezone", told)
    assert viewer.zone().key == zone


@given(
    st.integers(0, TIME_MS_MAX),
    st.integers(0, TIME_MS_MAX),
    st.sampled_from(["America/Sao_Paulo", "Pacific/Kiritimati", "Pacific/Pago_Pago"]),
)
def test_every_date_that_the_market_takes_can_be_written(time_ms: int, now_ms: int, zone: str) -> None:
    assert formats.moment(time_ms, ZoneInfo(zone), now_ms)


def test_the_history_s_orders_tell_dates_and_shown_sizes_and_their_files_the_values() -> None:
    table = frames.orders([_order(), _order(**ICEBERG)], SAO_PAULO, NOW_MS)
    assert table["in_force"].tolist() == ["Day", "Until 23/09 12:00"]
    assert table["type"].tolist() == ["Limit", "Limit, post only"]
    file = pd.read_csv(io.BytesIO(downloads.csv(table)), dtype={"display_quantity": str})
    assert file["display_quantity"].fillna("").tolist() == ["", "1000"]
    assert file["expires_at"].fillna("").tolist() == ["", "2026-09-23 15:00:00+00:00"]
    whole = pd.read_parquet(io.BytesIO(downloads.parquet(table)))
    assert whole["display_quantity"].iloc[1] == 1_000
    assert whole["expires_at"].iloc[1] == pd.Timestamp(NOW_MS + DAY_MS, unit="ms", tz="UTC")
    assert frames.searched(table, "until 1.000")["quantity"].tolist() == [1_200]


@pytest.mark.browser
def test_the_live_panes_say_it_in_the_same_words(scripts: Scripts) -> None:
    now_ms, zone = scripts.ask(
        "words.js", "return [Date.now(), Intl.DateTimeFormat().resolvedOptions().timeZone]"
    )
    dates = [now_ms + days * DAY_MS for days in (0, 1, 40, 400, -1, -400)]
    orders = [
        *(_order(time_in_force=lasts) for lasts in names.TIMES_IN_FORCE),
        *(_order(time_in_force="gtd", expires_at_ms=date, display_quantity=12_300) for date in dates),
    ]
    asked = json.dumps([msgspec.to_builtins(order) for order in orders])
    said = scripts.ask(
        "words.js", f"return {asked}.map((order) => [it.lastingName(order), it.shownName(order)])"
    )
    assert said == [[names.lasting(order, ZoneInfo(zone), now_ms), names.shown(order)] for order in orders]
