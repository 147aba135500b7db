"""Plotly figures of the analysis; the one module of the page's server that knows Plotly."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go

from dashboard import words

UP: Final = "#21b685"
DOWN: Final = "#f4566b"
LINES: Final = ("#3d7eff", "#e0a63a", "#b072e8", "#31b5d6", "#e8709a", "#21b685", "#f4566b", "#8a94a6")
HEIGHT_PX: Final = 258
GAP_STEPS: Final = 6
DATES: Final = [
    {"dtickrange": [None, 59_999], "value": "%H:%M:%S"},
    {"dtickrange": [60_000, 86_399_999], "value": "%H:%M"},
    {"dtickrange": [86_400_000, None], "value": "%d/%m"},
]
"""How an axis of time is labelled, by how far apart its labels are, in milliseconds."""
_TIMES: Final = {"tickformatstops": DATES, "hoverformat": "%d/%m %H:%M"}
CONFIG: Final = {"displayModeBar": False, "responsive": True}


def lines(table: pd.DataFrame, *, zone: str, suffix: str = "") -> go.Figure:
    """Draw a line for each column over time; none through the time in which nobody traded."""
    table = parted(table)
    local = pd.DatetimeIndex(table.index).tz_convert(zone)
    figure = go.Figure(
        [
            go.Scatter(x=local, y=table[name], name=str(name), line={"color": colour, "width": 1.5})
            for name, colour in zip(
                table.columns, LINES * (len(table.columns) // len(LINES) + 1), strict=False
            )
        ]
    )
    return _dressed(
        figure,
        hovermode="x unified",
        xaxis=_TIMES,
        yaxis={"ticksuffix": suffix, "side": "right", "hoverformat": ",.2f"},
    )


def parted(table: pd.DataFrame) -> pd.DataFrame:
    """Put a row without values into each gap of a table by time: where rows are far apart beside others."""
    steps = table.index.to_series().diff()
    after = table.index[steps > GAP_STEPS * steps.median()]
    if after.empty:
        return table
    empty = pd.DataFrame(float("nan"), index=after - steps.median(), columns=table.columns)
    return pd.concat([table, empty]).sort_index()


def profile(table: pd.DataFrame) -> go.Figure:
    """Draw volume by price, what takers bought and sold apart."""
    bars = [
        go.Bar(y=table["price"], x=table[name], name=title, orientation="h", marker={"color": colour})
        for name, title, colour in (("bought", "Takers bought", UP), ("sold", "Takers sold", DOWN))
    ]
    return _dressed(
        go.Figure(bars),
        barmode="stack",
        bargap=0.12,
        xaxis={"tickformat": ",d"},
        yaxis={"side": "right", "tickformat": ",.2f"},
    )


def distribution(table: pd.DataFrame) -> go.Figure:
    """Draw counts of returns, and the normal distribution's."""
    figure = go.Figure(
        [
            go.Bar(x=table["return_percent"], y=table["count"], name="Returns", marker={"color": LINES[0]}),
            go.Scatter(
                x=table["return_percent"],
                y=table["normal"],
                name="Normal",
                line={"color": LINES[1], "width": 1.5},
            ),
        ]
    )
    return _dressed(
        figure,
        bargap=0.08,
        xaxis={"ticksuffix": "%", "hoverformat": ",.2f"},
        yaxis={"side": "right", "hoverformat": ",.1f"},
    )


def correlation(table: pd.DataFrame) -> go.Figure:
    """Draw a matrix of correlations."""
    heat = go.Heatmap(
        z=table,
        x=list(table.columns),
        y=list(table.index),
        zmin=-1,
        zmax=1,
        colorscale=[[0, DOWN], [0.5, "#8a94a6"], [1, UP]],
        text=table.round(2),
        texttemplate="%{text:.2f}",
        # Every colour of the scale is light enough for it; the theme's own grey could not be read there.
        textfont={"color": "#0b0e13", "size": 12},
        showscale=False,
        xgap=2,
        ygap=2,
    )
    return _dressed(go.Figure(heat), yaxis={"autorange": "reversed"})


def flow(table: pd.DataFrame, *, zone: str) -> go.Figure:
    """Draw the order-flow imbalance of each interval."""
    colours = [UP if value >= 0 else DOWN for value in table["imbalance"]]
    times = pd.to_datetime(table["time"], utc=True).dt.tz_convert(zone)
    bars = go.Bar(x=times, y=table["imbalance"], marker={"color": colours}, name="Imbalance")
    return _dressed(
        go.Figure(bars),
        bargap=0.15,
        showlegend=False,
        xaxis=_TIMES,
        yaxis={"hoverformat": ",.2f", "range": [-1, 1], "side": "right", "dtick": 0.5},
    )


def sizes(table: pd.DataFrame) -> go.Figure:
    """Draw how many trades there were of each size."""
    bars = go.Bar(
        x=table["size"].map(words.counts), y=table["trades"], marker={"color": LINES[0]}, name="Trades"
    )
    return _dressed(
        go.Figure(bars), bargap=0.2, showlegend=False, yaxis={"side": "right", "tickformat": ",d"}
    )


def _dressed(figure: go.Figure, **layout: Any) -> go.Figure:
    figure.update_layout(
        height=HEIGHT_PX,
        margin={"l": 6, "r": 6, "t": 6, "b": 6},
        separators=",.",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 10}},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        **layout,
    )
    figure.update_xaxes(automargin=True, tickfont={"size": 10}, nticks=5)
    figure.update_yaxes(automargin=True, tickfont={"size": 10}, zeroline=False)
    return figure
