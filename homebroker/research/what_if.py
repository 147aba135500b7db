"""`hb.what_if`: the same day with other orders added, and the difference that they made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from engine.domain import TIME_MS_MAX, Command, OpenAccount
from engine.kernel.octets import SLACK
from engine.wire.commands import decode_command
from engine.wire.rows import CommandRows
from homebroker.research.command_input import Commands, encode_fields, log_of
from homebroker.research.command_log import CommandLog, empty_names
from homebroker.research.depth import interval_ms_of
from homebroker.research.load_log import load_log
from homebroker.research.replaying import Replay, replay

INVESTOR_ID: Final = "what-if"
ORDERS_MAX: Final = 1_000_000
_PAIR: Final = ["symbol", "buy_order_id", "sell_order_id", "nth"]


class WhatIf:
    """A day with and without some orders.

    Attributes
    ----------
    base, changed : Replay
        The day as it was, and with the orders. Offsets of the latter are its own.
    added : list of str
        The orders' ids.
    """

    def __init__(self, base: Replay, changed: Replay, added: list[str]) -> None:
        self.base = base
        self.changed = changed
        self.added = added

    def __repr__(self) -> str:
        return f"<WhatIf of {len(self.added):,} orders in {len(self.base.log):,} commands>"

    @cached_property
    def reports(self) -> pd.DataFrame:
        """Give what became of the added orders: their execution reports."""
        reports = self.changed.executions
        return reports[reports["order_id"].isin(self.added)]

    @cached_property
    def fills(self) -> pd.DataFrame:
        """Give the added orders' fills."""
        return self.reports[self.reports["execution_type"] == "trade"]

    @cached_property
    def difference(self) -> pd.DataFrame:
        """Give the trades that differ.

        Returns
        -------
        DataFrame
            A row for each pair of orders whose trade is `new`, `gone` or `changed`, with `price` and
            `quantity` as they are, and `base_price` and `base_quantity` as they were; by time.
        """
        joined = _paired(self.base.transactions).merge(
            _paired(self.changed.transactions), how="outer", on=_PAIR, suffixes=("_base", "")
        )
        joined["kind"] = np.select(
            [joined["price_base"].isna(), joined["price"].isna()], ["new", "gone"], "changed"
        )
        same = (joined["price"] == joined["price_base"]) & (joined["quantity"] == joined["quantity_base"])
        joined = joined[~same]
        joined["time"] = joined["time"].fillna(joined["time_base"])
        renamed = joined.rename(columns={"price_base": "base_price", "quantity_base": "base_quantity"})
        columns = ["kind", *_PAIR[:3], "price", "quantity", "base_price", "base_quantity"]
        return renamed.sort_values("time", kind="stable").set_index("time")[columns]

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Give, by symbol, trades, volume, average and last price, before and after, where they differ."""
        tables = [_by_symbol(run.transactions) for run in (self.base, self.changed)]
        joined = tables[0].add_suffix("_base").join(tables[1], how="outer")
        names = tables[0].columns
        differs = pd.concat([joined[f"{name}_base"].ne(joined[name]) for name in names], axis=1).any(axis=1)
        return joined[differs][[column for name in names for column in (f"{name}_base", name)]]

    def prices(self, symbol: str, interval: str = "1s") -> pd.DataFrame:
        """Give the middle of the best prices over time, as it was and as it is, and by how much it moved.

        Returns
        -------
        DataFrame
            `base_middle`, `middle` and `impact_bps`, hundredths of a percent; at the end of each interval in
            which either book changed.
        """
        middles = []
        for run in (self.base, self.changed):
            depth = run.depth(interval, levels=1, symbol=symbol)
            middle = (depth["bid_1"] + depth["ask_1"]) / 2
            # The newest command of an interval may have another time in either run.
            ends = pd.DatetimeIndex(middle.index).floor(pd.Timedelta(interval_ms_of(interval), "ms"))
            middles.append(middle.groupby(ends).last())
        both = pd.concat(middles, axis=1, keys=["base_middle", "middle"]).ffill()
        return both.assign(impact_bps=(both["middle"] / both["base_middle"] - 1) * 10_000)


def what_if(
    orders: pd.DataFrame | Iterable[Mapping[str, Any]],
    *,
    base: Commands | None = None,
    progress: bool = True,
) -> WhatIf:
    """Run a day again with other orders added. Touches no topic.

    The recorded orders are sent as they were: nobody reacts to what was added.

    Parameters
    ----------
    orders : DataFrame or iterable of mappings
        Records of `orders`, each with its time: the index of a DataFrame, else `time` (with its zone) or
        `time_ms`. Without `command` one is a `place`, without `investor_id` of the investor `what-if`, who
        may spend and sell without limit; without `order_id` it gets one. An order comes behind all recorded
        commands of its millisecond.
    base : as for `replay`, optional
        The day; the market's whole log when left out.
    progress : bool
        Whether reading the log shows a bar.

    Raises
    ------
    ValueError
        When an order has no time, or there are none.
    NoMarketError
        When the log is to be read and no market answers.
    """
    added = _added(orders)
    log = load_log(progress=progress) if base is None else log_of(base)
    merged, ids = _merged(log, added)
    return WhatIf(replay(log), replay(merged), ids)


def _added(orders: pd.DataFrame | Iterable[Mapping[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    if isinstance(orders, pd.DataFrame):
        if not isinstance(orders.index, pd.DatetimeIndex) or orders.index.tz is None:
            raise ValueError("Index the orders by time, with its zone: when each is sent.")
        rows = orders.to_dict("records")
        times = orders.index.as_unit("ms").asi8.tolist()
        timed = [
            (time_ms, {str(name): value for name, value in row.items() if not pd.isna(value)})
            for time_ms, row in zip(times, rows, strict=True)
        ]
    else:
        if not isinstance(orders, Iterable) or isinstance(orders, (str, bytes, Mapping)):
            raise TypeError(
                "Give the orders as a table indexed by time, or as a list of mappings with their fields."
            )
        timed = [_timed(order) for order in orders]
    if not 0 < len(timed) <= ORDERS_MAX:
        raise ValueError(f"There are {len(timed):,} orders to add; give from 1 to {ORDERS_MAX:,}.")
    return sorted(timed, key=lambda each: each[0])


def _timed(given: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    if not isinstance(given, Mapping):
        raise TypeError(f"An order is a mapping of its fields, as in /docs, not {given!r:.80}.")
    order = dict(given)
    time = order.pop("time", None)
    time_ms = order.pop("time_ms", None)
    if time is not None:
        try:
            at = pd.Timestamp(time)
        except (TypeError, ValueError):
            raise ValueError(f"{time!r:.80} is no time; give one with its zone, or `time_ms`.") from None
        if at.tzinfo is None:
            raise ValueError(f"The time {time!r} has no zone, so it could be UTC or Brazil's time; add one.")
        time_ms = int(at.timestamp() * 1_000)
    if not isinstance(time_ms, (int, np.integer)) or not 0 <= time_ms <= TIME_MS_MAX:
        raise ValueError(f"The order {order!r} has no time; give `time` or `time_ms`: when it is sent.")
    return int(time_ms), order


def _merged(log: CommandLog, added: list[tuple[int, dict[str, Any]]]) -> tuple[CommandLog, list[str]]:
    """Put orders where their times say, and number all commands anew."""
    investors, symbols = empty_names()
    for names, known in ((investors, log.investors), (symbols, log.symbols)):
        names.fill(known.entries[: known.count], known.text[: known.text_length])
    rows = CommandRows(investors, symbols)
    times_ms = np.maximum.accumulate(log.times_ms) if len(log) else log.times_ms
    begins_ms = int(times_ms[0]) if len(log) else 0
    rows.add(OpenAccount(investor_id=INVESTOR_ID, unlimited=True), 0, begins_ms)
    places, ids = [0], []
    for number, (time_ms, order) in enumerate(added, start=1):
        fields = {"command": "place", "investor_id": INVESTOR_ID, "order_id": f"what-if-{number}"} | order
        rows.add(_command(fields), 0, time_ms)
        places.append(int(np.searchsorted(times_ms, time_ms, side="right")))
        ids.append(str(fields["order_id"]))
    ours = rows.commands.copy()
    text_length = len(log.text) - SLACK
    ours["text"] += text_length
    merged = np.insert(log.rows, places, ours)
    merged["offset"] = np.arange(len(merged))
    text = np.concatenate([log.text[:text_length], rows.text[: rows.text_length], np.zeros(SLACK, np.uint8)])
    return CommandLog(merged, text, investors, symbols), ids


def _command(fields: Mapping[str, Any]) -> Command:
    return decode_command(encode_fields(fields))


def _paired(trades: pd.DataFrame) -> pd.DataFrame:
    table = trades[["symbol", "buy_order_id", "sell_order_id", "price", "quantity"]].reset_index()
    # Two orders may trade with each other more than once.
    return table.assign(nth=table.groupby(["symbol", "buy_order_id", "sell_order_id"]).cumcount())


def _by_symbol(trades: pd.DataFrame) -> pd.DataFrame:
    table = trades.assign(value=trades["price"] * trades["quantity"]).groupby("symbol")
    sums = table[["quantity", "value"]].sum()
    return pd.DataFrame(
        {
            "trades": table.size(),
            "volume": sums["quantity"],
            "average_price": sums["value"] / sums["quantity"],
            "last_price": table["price"].last(),
        }
    )
