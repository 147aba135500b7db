"""Rows as cards: what a phone shows of a table, and all of the row once a card is open."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from dashboard import cards, frames
from dashboard.history import DayOfSymbol
from tests.dashboard import answers

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
MORNING_MS = 1_790_046_000_000 + 11 * 3_600_000
LABELS = {"time": "Time", "quantity": "Quantity", "price": "Price (R$)", "why": "Why", "order_id": "Order"}
SUMMARY = re.compile(
    "<summary><b>(.*?)</b><span>(.*?)</span><small>(.*?)</small><small>(.*?)</small></summary>"
)
FIELD = re.compile("<dt>(.*?)</dt><dd>(.*?)</dd>")


def _orders(*found: dict[str, Any]) -> str:
    orders = [answers.order(created_ms=MORNING_MS, **fields) for fields in found]
    table = frames.orders(orders, SAO_PAULO, MORNING_MS)
    return cards.html(table, cards.FACES["orders"], LABELS, SAO_PAULO)


def test_a_card_tells_what_matters_closed_and_the_whole_row_open() -> None:
    html = _orders(
        {"order_id": "o 1&2", "quantity": 1_500, "price": 38.505, "filled_quantity": 700},
        {"order_id": "o-2", "type": "market", "price": None, "side": "sell", "status": "filled"},
    )
    time = "22/09/2026 11:00:00"
    assert SUMMARY.findall(html) == [
        ("Buy PETR4", "In the book", "1.500 · Limit · 38,505", time),
        ("Sell PETR4", "Filled", "100 · Market", time),
    ]
    assert FIELD.findall(html) == [
        ("Time", time),
        ("Quantity", "1.500"),
        ("Price (R$)", "38,505"),
        ("Order", "o 1&amp;2"),
        ("Time", time),
        ("Quantity", "100"),
        ("Order", "o-2"),
    ]
    assert re.findall('<a href="(.*?)"', html) == ["?search=o+1%262", "?search=o-2"]


def test_what_the_market_sends_is_text_and_never_markup() -> None:
    nasty = '<img src=x onerror="alert(1)">'
    html = _orders({"order_id": nasty, "symbol": nasty, "message": nasty, "reason": nasty, "status": nasty})
    assert "<img" not in html
    assert 'href="?search=%3Cimg+src' in html


@pytest.mark.parametrize(("profit", "told"), [(12.5, "+12,50"), (-3.0, "-3,00"), (0.0, "0,00")])
def test_a_day_names_its_figures_and_stays_the_day_in_every_zone(profit: float, told: str) -> None:
    figures = {"bought": 100, "sold": 0, "quantity": 100, "realized": profit, "unrealized": None, "fees": 1.0}
    table = frames.days([DayOfSymbol(day="2026-09-22", symbol="PETR4", **figures)])
    labels = {name: name.title() for name in table}
    html = cards.html(table, cards.FACES["profit_by_day"], labels, ZoneInfo("Pacific/Kiritimati"))
    assert SUMMARY.findall(html) == [("PETR4", f"Realized {told}", "Bought 100 · Sold 0", "22/09/2026")]
    assert "Unrealized" not in html


def test_every_table_has_the_columns_that_its_cards_show() -> None:
    executions = frames.executions(
        [answers.execution(), answers.execution(last_price=None, last_quantity=None)]
    )
    fills = frames.fills([answers.execution()])
    for table, name in ((executions, "life"), (fills, "trades")):
        labels = {str(column): str(column) for column in table}
        faces = SUMMARY.findall(cards.html(table, cards.FACES[name], labels, SAO_PAULO))
        assert [face[:3] for face in faces] == {
            "life": [("Traded", "Filled", ""), ("Traded", "Filled", "100 · 38,50")],
            "trades": [("Buy PETR4", "3.850,00", "100 · 38,50")],
        }[name]


def test_only_so_many_cards_are_drawn() -> None:
    table = pd.concat([frames.fills([answers.execution()])] * (cards.CARDS_MAX + 1))
    html = cards.html(table, cards.FACES["trades"], {}, SAO_PAULO)
    assert html.count("<details>") == cards.CARDS_MAX
