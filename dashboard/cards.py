"""A row of a table as a card, where its columns do not fit: it opens to all that is in the row. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard import tables

CARDS_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What a closed card shows, by the names of columns.

    `title` and `outcome` stand above, `terms` and the time `when` below them. With `labelled` the outcome and
    each of the terms have their columns' names before them. `order` is the column by which an order's life is
    found, if any.
    """

    title: tuple[str, ...]
    outcome: str
    terms: tuple[str, ...]
    when: str
    labelled: bool = False
    order: str | None = None


FACES: Final = {
    "orders": Face(
        title=("side", "symbol"),
        outcome="status",
        terms=("quantity", "type", "price"),
        when="time",
        order="order_id",
    ),
    "life": Face(title=("event",), outcome="status", terms=("traded", "traded_at"), when="time"),
    "trades": Face(
        title=("side", "symbol"), outcome="value", terms=("quantity", "price"), when="time", order="order_id"
    ),
    "profit_by_day": Face(
        title=("symbol",), outcome="realized", terms=("bought", "sold"), when="day", labelled=True
    ),
}
"""Of the tables of the History page (frames.py), by what they are called there."""


def html(table: pd.DataFrame, face: Face, labels: Mapping[str, str], zone: ZoneInfo) -> str:
    """Write the first `CARDS_MAX` rows as cards.

    Parameters
    ----------
    table : DataFrame
        With the columns that `face` names.
    face : Face
        What is seen of a card that is closed.
    labels : mapping of str to str
        The name of each column that a card is to hold; others are left out.
    zone : ZoneInfo
        In which times are written.
    """
    shown = table.head(CARDS_MAX)
    cards = (_card(texts, face, labels) for texts in tables.texts(shown, zone))
    return f'<div class="cards">{"".join(cards)}</div>'


def _card(texts: Mapping[str, str], face: Face, labels: Mapping[str, str]) -> str:
    title = " ".join(filter(None, (texts[name] for name in face.title)))
    outcome, *terms = (
        f"{labels[name]} {texts[name]}" if face.labelled else texts[name]
        for name in (face.outcome, *face.terms)
    )
    fields = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(texts[name])}</dd>"
        for name, label in labels.items()
        if texts.get(name)
    )
    life = ""
    if face.order is not None:
        address = escape("?" + urlencode({"search": texts[face.order]}))
        life = f'<a href="{address}" target="_self">Its life, step by step</a>'
    told = escape(" · ".join(filter(None, terms)))
    return (
        f"<details><summary><b>{escape(title)}</b><span>{escape(outcome)}</span>"
        f"<small>{told}</small><small>{escape(texts[face.when])}</small></summary>"
        f"<dl>{fields}</dl>{life}</details>"
    )
