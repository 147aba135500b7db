"""A run's report, drawn with Plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from engine.domain import Side

if TYPE_CHECKING:
    from homebroker.strategy.report import Report

_BUY, _SELL = "#1a9850", "#d73027"
_GREY = "#888888"


def run_figure(report: Report) -> Any:
    """Draw equity, position, and own fills among the best prices."""
    figure = make_subplots(
        rows=3,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.06,
        row_heights=[0.3, 0.2, 0.5],
        subplot_titles=("equity, BRL", "position, shares", "best prices and own fills, BRL"),
    )
    equity = report.equity
    figure.add_scatter(x=equity.index, y=equity["equity"], name="equity", row=1, col=1)
    figure.add_scatter(
        x=equity.index, y=equity["position"], name="position", line={"shape": "hv"}, row=2, col=1
    )
    for name in ("bid", "ask"):
        quotes = report.quotes
        figure.add_scatter(
            x=quotes.index,
            y=quotes[name],
            name=name,
            line={"shape": "hv", "width": 1, "color": _GREY},
            row=3,
            col=1,
        )
    for side, color, symbol in ((Side.BUY, _BUY, "triangle-up"), (Side.SELL, _SELL, "triangle-down")):
        fills = report.fills[report.fills["side"] == side]
        figure.add_scatter(
            x=fills.index,
            y=fills["price"],
            name=side.value,
            mode="markers",
            marker={"color": color, "symbol": symbol, "size": 8},
            row=3,
            col=1,
        )
    figure.update_yaxes(tickformat=",.0f", row=1, col=1)
    figure.update_layout(height=720, showlegend=False, title=report.journal.symbol, margin={"t": 60})
    return figure


def markout_figure(markouts: pd.DataFrame) -> Any:
    """Draw what fills were worth some seconds later."""
    figure = go.Figure()
    told = markouts.dropna(how="all")
    # Where all fills are of one kind, `all` would hide it.
    for name, row in told.drop(index="all" if len(told) == 2 else []).iterrows():
        figure.add_scatter(x=list(markouts.columns), y=row, name=str(name), mode="lines+markers")
    figure.update_layout(
        title="markouts: the middle's move in own favour behind a fill",
        xaxis={"title": "seconds later", "type": "log"},
        yaxis={"title": "basis points"},
        height=380,
        showlegend=True,
    )
    return figure
