"""What single trades tell: volume by price, who took from whom, how large."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from homebroker.client import Trade

PROFILE_ROWS_MAX: Final = 40
SIZE_EDGES: Final = (1, 10, 50, 100, 200, 500, 1_000, 5_000)


def frame(trades: Sequence[Trade]) -> pd.DataFrame:
    """Give trades as a frame, oldest first: time, price, quantity, taker_side."""
    table = pd.DataFrame(
        {
            "time": pd.to_datetime([trade.time_ms for trade in trades], unit="ms", utc=True),
            "price": np.array([trade.price for trade in trades], dtype="float64"),
            "quantity": np.array([trade.quantity for trade in trades], dtype="int64"),
            "taker_side": [trade.taker_side for trade in trades],
        }
    )
    return table.iloc[::-1].reset_index(drop=True)


def volume_profile(trades: pd.DataFrame, tick_size: float) -> pd.DataFrame:
    """Sum the shares traded by price, those bought and those sold by takers apart.

    Prices are put together in steps of whole ticks so that there are at most `PROFILE_ROWS_MAX`.
    """
    if trades.empty:
        return pd.DataFrame({"price": [], "bought": [], "sold": []})
    ticks = np.rint(trades["price"].to_numpy() / tick_size).astype("int64")
    step = max(1, -(-int(ticks.max() - ticks.min() + 1) // PROFILE_ROWS_MAX))
    level = (ticks - ticks.min()) // step * step + ticks.min()
    bought = trades["taker_side"].to_numpy() == "buy"
    quantity = trades["quantity"].to_numpy()
    table = pd.DataFrame({"level": level, "bought": quantity * bought, "sold": quantity * ~bought})
    summed = table.groupby("level", as_index=False).sum()
    price = summed["level"].to_numpy() * tick_size
    return pd.DataFrame({"price": price.round(4), "bought": summed["bought"], "sold": summed["sold"]})


def order_flow(trades: pd.DataFrame, *, interval_s: int) -> pd.DataFrame:
    """Sum what takers bought and sold by interval.

    Returns
    -------
    DataFrame
        `time` (an interval's start), `bought`, `sold`, `imbalance`: (bought − sold) ÷ (bought + sold), from
        -1 to 1. Intervals without a trade have no row.
    """
    if trades.empty:
        return pd.DataFrame({"time": [], "bought": [], "sold": [], "imbalance": []})
    bought = trades["taker_side"] == "buy"
    table = pd.DataFrame(
        {
            "time": trades["time"].dt.floor(f"{interval_s}s"),
            "bought": trades["quantity"].where(bought, 0),
            "sold": trades["quantity"].where(~bought, 0),
        }
    )
    summed = table.groupby("time", as_index=False).sum()
    summed["imbalance"] = (summed["bought"] - summed["sold"]) / (summed["bought"] + summed["sold"])
    return summed


def by_size(trades: pd.DataFrame) -> pd.DataFrame:
    """Count trades and shares by the size of the trade."""
    edges = np.array(SIZE_EDGES)
    place = np.searchsorted(edges, trades["quantity"].to_numpy(), side="right") - 1
    labels = [f"{low}–{high - 1}" for low, high in itertools.pairwise(SIZE_EDGES)]
    labels.append(f"{SIZE_EDGES[-1]}+")
    count = np.bincount(place, minlength=len(labels))
    shares = np.bincount(place, weights=trades["quantity"].to_numpy(), minlength=len(labels))
    return pd.DataFrame({"size": labels, "trades": count, "shares": shares.astype("int64")})
