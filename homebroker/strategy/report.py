"""What came of a strategy's run: tables, figures of merit, and drawings of them."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from engine.domain import Liquidity, Side
from homebroker.research.frames import time_index
from homebroker.strategy.journal import Journal
from homebroker.strategy.strategy import Fill

SESSION_MINUTES: Final = 415  # 10:00 to 16:55
SESSIONS_A_YEAR: Final = 252
MARKOUT_SECONDS: Final = (1.0, 5.0, 30.0, 60.0, 300.0)
_MINUTES_MIN: Final = 3


class Report:
    """What came of a run.

    Attributes
    ----------
    journal : Journal
        What was written down.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def __repr__(self) -> str:
        return f"<Report of {len(self.journal.fills):,} fills, profit {self.summary['profit']:,.2f}>"

    @cached_property
    def fills(self) -> pd.DataFrame:
        """Give own trades by time: what, at which price and fee, and position and cash behind it."""
        fills = self.journal.fills
        columns: dict[str, Any] = {
            name: [getattr(fill, name) for fill in fills] for name in Fill.__struct_fields__
        }
        frame = pd.DataFrame(columns, index=time_index([fill.time_ms for fill in fills]))
        frame = frame.drop(columns=["time_ms"]).astype({"price": float, "fee": float, "quantity": np.int64})
        signed = frame["quantity"].where(frame["side"] == Side.BUY, -frame["quantity"]).astype(np.int64)
        frame["position"] = self.journal.position + signed.cumsum()
        frame["cash"] = self.journal.cash - (signed * frame["price"] + frame["fee"]).cumsum()
        return frame

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Give own orders by the time they were sent, with what became of each."""
        rows = [
            (
                *(order.order_id, order.side, order.price, order.quantity, order.filled),
                *(order.status, order.reason),
                math.nan if order.first_fill_ms is None else (order.first_fill_ms - order.sent_ms) / 1_000,
            )
            for order in self.journal.orders.values()
        ]
        names = ["order_id", "side", "price", "quantity", "filled", "status", "reason", "seconds_to_fill"]
        index = time_index([order.sent_ms for order in self.journal.orders.values()])
        return pd.DataFrame(rows, columns=names, index=index).astype({"price": float})

    @cached_property
    def quotes(self) -> pd.DataFrame:
        """Give the best prices by the time they were heard of: bid, ask, middle; NaN where there was none."""
        quotes = self.journal.quotes
        frame = pd.DataFrame(
            {"bid": [quote[1] for quote in quotes], "ask": [quote[2] for quote in quotes]},
            index=time_index([quote[0] for quote in quotes]),
            dtype=np.float64,
        )
        return frame.assign(middle=(frame["bid"] + frame["ask"]) / 2)

    @cached_property
    def equity(self) -> pd.DataFrame:
        """Give, at each change of the best prices and each fill, what all was worth.

        Returns
        -------
        DataFrame
            `cash`, `position`, `middle`, `equity` (cash and shares at the middle), `drawdown` (the highest
            equity so far less this one).
        """
        middles = self.quotes["middle"].ffill().bfill().dropna()
        index = middles.index.append(self.fills.index).append(
            time_index([self.journal.started_ms, self.journal.ended_ms])
        )
        frame = pd.DataFrame(index=index.unique().sort_values())
        fills = self.fills.groupby(level=0).last()
        frame["cash"] = fills["cash"].reindex(frame.index, method="ffill").fillna(self.journal.cash)
        position = fills["position"].reindex(frame.index, method="ffill").fillna(self.journal.position)
        frame["position"] = position.astype(np.int64)
        middle = middles.groupby(level=0).last().reindex(frame.index, method="ffill").bfill()
        frame["middle"] = middle
        # Without any price shares cannot be valued; without shares there is nothing to value.
        frame["equity"] = frame["cash"] + (frame["position"] * middle).where(frame["position"] != 0, 0.0)
        frame["drawdown"] = frame["equity"].cummax() - frame["equity"]
        return frame

    @cached_property
    def summary(self) -> pd.Series:
        """Give the run's figures of merit, by name.

        `profit` and `return_pct`; `drawdown_max`; `sharpe`, of the changes of equity from minute to minute,
        for a year of sessions, NaN under three minutes; `turnover`, what was bought and sold; `fill_ratio`,
        shares filled of those ordered; `maker_share` of the shares filled; `fees`; counts; the largest
        position; `participation` in the market's volume.
        """
        equity, fills, orders = self.equity["equity"], self.fills, self.orders
        start = float(equity.iloc[0])
        profit = float(equity.iloc[-1]) - start
        quantity = int(fills["quantity"].sum())
        ordered = int(orders["quantity"].sum())
        makers = int(fills["quantity"][fills["liquidity"] == Liquidity.MAKER].sum())
        return pd.Series(
            {
                "profit": profit,
                "return_pct": 100 * profit / start if start else math.nan,
                "drawdown_max": float(self.equity["drawdown"].max()),
                "sharpe": _sharpe(equity),
                "turnover": float((fills["quantity"] * fills["price"]).sum()),
                "fill_ratio": quantity / ordered if ordered else math.nan,
                "maker_share": makers / quantity if quantity else math.nan,
                "fees": float(fills["fee"].sum()),
                "orders": len(orders),
                "refused": int((orders["status"] == "rejected").sum()),
                "fills": len(fills),
                "shares": quantity,
                "position_max": int(self.equity["position"].abs().max()),
                "position_end": int(self.equity["position"].iloc[-1]),
                "participation": quantity / self.journal.market_volume
                if self.journal.market_volume
                else math.nan,
            },
            name=self.journal.symbol,
            dtype=np.float64,
        )

    def markouts(self, seconds: tuple[float, ...] = MARKOUT_SECONDS) -> pd.DataFrame:
        """Tell how prices moved behind own fills: what a fill was worth that much later.

        Parameters
        ----------
        seconds : tuple of float
            How much later.

        Returns
        -------
        DataFrame
            By liquidity and `all`, a column for each number of seconds: the move from the fill's price to
            the middle then, in own favour, in basis points, weighted by shares. Fills after which the run
            ended sooner do not count.
        """
        fills, middles = self.fills, self.quotes["middle"].dropna()
        sign = np.where(fills["side"] == Side.BUY, 1.0, -1.0)
        rows: dict[str, dict[float, float]] = {}
        for name in ("maker", "taker", "all"):
            chosen = ((fills["liquidity"] == name) | (name == "all")).to_numpy()
            rows[name] = {
                later: _markout(fills[chosen], sign[chosen], middles, later, self.journal.ended_ms)
                for later in seconds
            }
        return pd.DataFrame(rows).T.rename_axis("liquidity")

    def costs(self, arrival: float | None = None) -> pd.Series:
        """Tell what trading cost, in basis points of the prices it is compared with; positive is a cost.

        Parameters
        ----------
        arrival : float, optional
            The price to compare with; the middle at the start where left out.

        Returns
        -------
        Series
            `average_price` of the fills of the larger side, `arrival_price` and `market_vwap`, and
            `slippage_bps` (from arrival), `vwap_slippage_bps` and `fee_bps`.
        """
        bought = self.fills["side"] == Side.BUY
        net = int(self.fills["quantity"].where(bought, -self.fills["quantity"]).sum())
        side = self.fills[bought if net >= 0 else ~bought]
        shares = int(side["quantity"].sum())
        value = float((side["quantity"] * side["price"]).sum())
        average = value / shares if shares else math.nan
        middles = self.quotes["middle"].dropna()
        if arrival is None:
            arrival = float(middles.iloc[0]) if len(middles) else math.nan
        volume = self.journal.market_volume
        vwap = self.journal.market_value / volume if self.journal.market_value else math.nan
        sign = 1 if net >= 0 else -1
        return pd.Series(
            {
                "average_price": average,
                "arrival_price": arrival,
                "market_vwap": vwap,
                "slippage_bps": sign * (average / arrival - 1) * 10_000,
                "vwap_slippage_bps": sign * (average / vwap - 1) * 10_000,
                "fee_bps": float(side["fee"].sum()) / value * 10_000 if value else math.nan,
            },
            name=self.journal.symbol,
        )

    def figure(self) -> Any:
        """Draw equity, position, and own fills among the market's best prices, with Plotly."""
        from homebroker.strategy.figures import run_figure  # noqa: PLC0415 - tables need no Plotly

        return run_figure(self)

    def markout_figure(self, seconds: tuple[float, ...] = MARKOUT_SECONDS) -> Any:
        """Draw the markouts, with Plotly."""
        from homebroker.strategy.figures import markout_figure  # noqa: PLC0415

        return markout_figure(self.markouts(seconds))


def _sharpe(equity: pd.Series) -> float:
    minutes = equity.groupby(pd.DatetimeIndex(equity.index).floor("1min")).last()
    whole = pd.date_range(minutes.index[0], minutes.index[-1], freq="1min", unit="ms")
    changes = minutes.reindex(whole, method="ffill").diff().dropna()
    if len(changes) < _MINUTES_MIN:
        return math.nan
    spread = float(changes.std())
    if not spread:
        return math.nan
    return float(changes.mean()) / spread * math.sqrt(SESSION_MINUTES * SESSIONS_A_YEAR)


def _markout(fills: pd.DataFrame, sign: Any, middles: pd.Series, seconds: float, ended_ms: int) -> float:
    later = pd.DatetimeIndex(fills.index) + pd.Timedelta(seconds, "s")
    known = np.asarray(later <= time_index([ended_ms])[0])
    places = np.searchsorted(pd.DatetimeIndex(middles.index).asi8, later.as_unit("ms").asi8, "right") - 1
    known &= places >= 0
    if not known.any():
        return math.nan
    then = middles.to_numpy()[places[known]]
    prices, shares = fills["price"].to_numpy()[known], fills["quantity"].to_numpy()[known]
    moves = sign[known] * (then / prices - 1) * 10_000
    return float(np.average(moves, weights=shares))
