"""What an account was worth over time, from the minutes that the recorder keeps.

A point tells the account as everything before its time left it: cash and positions as they stood at the end
of the last minute that changed them, each position at its symbol's last trade before the point (its reference
price before the first). So it is what `GET /account` said then, to the unit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from msgspec import Struct
from sqlalchemy import BigInteger, Column, ColumnElement, Row, Table, and_, column, func, select, values

from api.history import History
from api.live.candles import DAY_START_MS, INTERVALS_MS, bucket_start
from api.payloads import PortfolioPoint
from api.recorder.tables import MINUTE_MS, account_minutes, candles, executions, fee_minutes, position_minutes
from api.valuation import cost_units, units_of, worth
from engine.units import decimal_from_units

INTERVALS: Mapping[str, int] = MappingProxyType(
    {name: length_ms for name, length_ms in INTERVALS_MS.items() if length_ms % MINUTE_MS == 0}
)
VALUATIONS_MAX = 100_000

_Rows: TypeAlias = Sequence[Row[Any]]


class TooManyValuationsError(ValueError):
    """So many points of so many positions that the database would be kept busy."""

    def __init__(self, symbols: int) -> None:
        super().__init__(symbols)
        self.points_max = VALUATIONS_MAX // symbols


class Span(Struct, frozen=True, kw_only=True):
    """Which points are asked for: the first `limit` from `start_ms` on, without it the last to `end_ms`."""

    interval_ms: int
    start_ms: int | None
    end_ms: int
    limit: int

    def times_ms(self, opened_ms: int) -> list[int]:
        """Give the points' times, oldest first, none before the account was opened."""
        last = bucket_start(self.end_ms, self.interval_ms)
        begin_ms = max(opened_ms, self.start_ms or 0)
        first = bucket_start(begin_ms - 1, self.interval_ms) + self.interval_ms
        if self.start_ms is None:
            first = max(first, last - (self.limit - 1) * self.interval_ms)
        return list(range(first, last + 1, self.interval_ms))[: self.limit]


def portfolio(
    history: History, investor_id: str, span: Span, reference_prices: Mapping[str, float]
) -> list[PortfolioPoint]:
    """Give an account's points, oldest first.

    Raises
    ------
    TooManyValuationsError
        When points times positions are more than `VALUATIONS_MAX`.
    """
    mine = account_minutes.c.investor_id == investor_id
    opened = history.rows(select(func.min(account_minutes.c.minute_ms)).where(mine))[0][0]
    times_ms = [] if opened is None else span.times_ms(opened + 1)
    if not times_ms:
        return []
    balances = _newest_by_point(history, account_minutes, mine, span.interval_ms, times_ms)
    of_positions = position_minutes.c.investor_id == investor_id
    by_symbol: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in _newest_by_point(
        history, position_minutes, of_positions, span.interval_ms, times_ms, position_minutes.c.symbol
    ):
        by_symbol[row.symbol].append(row)
    if len(times_ms) * len(by_symbol) > VALUATIONS_MAX:
        raise TooManyValuationsError(len(by_symbol))
    totals = [_Total() for _ in times_ms]
    for total, balance in zip(totals, _filled(balances, times_ms), strict=True):
        assert balance is not None, "points begin when the account does"
        total.cash_units = units_of(balance.cash)
    for symbol, rows in by_symbol.items():
        shares = _filled(rows, times_ms)
        prices = _prices(history, symbol, times_ms, shares)
        reference = reference_prices.get(symbol, 0.0)
        for total, time_ms, held in zip(totals, times_ms, shares, strict=True):
            if held is not None:
                total.add(held, prices.get(time_ms, reference))
    _add_fees(history, investor_id, span.interval_ms, times_ms, totals)
    return [total.point(time_ms) for total, time_ms in zip(totals, times_ms, strict=True)]


class _Total:
    """What one point sums up."""

    __slots__ = ("cash_units", "cost_units", "fee_units", "realized_units", "value_units")

    def __init__(self) -> None:
        self.cash_units = 0
        self.value_units = 0
        self.cost_units = 0
        self.realized_units = 0
        self.fee_units = 0

    def add(self, position: Row[Any], price: float) -> None:
        self.realized_units += units_of(position.realized_profit)
        self.cost_units += cost_units(position.quantity, position.average_price)
        self.value_units += worth(position.quantity, position.average_price, price).value_units

    def point(self, time_ms: int) -> PortfolioPoint:
        # What neither trades nor profit brought was paid in; deposited shares have a cost like bought ones.
        paid_in_units = self.cash_units + self.cost_units - self.realized_units + self.fee_units
        return PortfolioPoint(
            time_ms=time_ms,
            equity=decimal_from_units(self.cash_units + self.value_units),
            cash=decimal_from_units(self.cash_units),
            market_value=decimal_from_units(self.value_units),
            realized_profit=decimal_from_units(self.realized_units),
            unrealized_profit=decimal_from_units(self.value_units - self.cost_units),
            fees=decimal_from_units(self.fee_units),
            net_deposits=decimal_from_units(paid_in_units),
        )


def _newest_by_point(
    history: History,
    table: Table,
    mine: ColumnElement[bool],
    interval_ms: int,
    times_ms: Sequence[int],
    *parts: Column[str],
) -> _Rows:
    """Read, of each part, the newest row before the first point, and the newest between two points each."""
    minute = table.c.minute_ms
    bucket = (minute - DAY_START_MS) // interval_ms
    newest = func.max(minute).label("newest_ms")
    before = select(*parts, newest).where(mine, minute < times_ms[0]).group_by(*parts)
    between = (
        select(*parts, newest)
        .where(mine, minute >= times_ms[0], minute < times_ms[-1])
        .group_by(*parts, bucket)
    )
    found: list[Row[Any]] = []
    for chosen in (before.subquery(), between.subquery()):
        same = and_(*(part == chosen.c[part.name] for part in parts), minute == chosen.c.newest_ms)
        found += history.rows(select(table).join(chosen, same).where(mine).order_by(minute))
    return found


def _filled(rows: Iterable[Row[Any]], times_ms: Sequence[int]) -> list[Row[Any] | None]:
    """Give, for each point, the newest row before it."""
    filled: list[Row[Any] | None] = []
    newest, coming = None, iter(rows)
    following = next(coming, None)
    for time_ms in times_ms:
        while following is not None and following.minute_ms < time_ms:
            newest, following = following, next(coming, None)
        filled.append(newest)
    return filled


def _prices(
    history: History, symbol: str, times_ms: Sequence[int], shares: Sequence[Row[Any] | None]
) -> dict[int, float]:
    """Read the last trade's price before each point at which there are shares: its minute closed with it."""
    wanted = [(t,) for t, row in zip(times_ms, shares, strict=True) if row is not None and row.quantity]
    if not wanted:
        return {}
    points = values(column("time_ms", BigInteger), name="points").data(wanted).cte("points")
    candle = candles.c
    price = (
        select(candle.close)
        .where(
            candle.symbol == symbol,
            candle.interval_ms == MINUTE_MS,
            candle.time_ms < points.c.time_ms,
        )
        .order_by(candle.time_ms.desc())
        .limit(1)
        .scalar_subquery()
        .correlate(points)
    )
    rows = history.rows(select(points.c.time_ms, price.label("price")))
    return {row.time_ms: row.price for row in rows if row.price is not None}


def _add_fees(
    history: History,
    investor_id: str,
    interval_ms: int,
    times_ms: Sequence[int],
    totals: Sequence[_Total],
) -> None:
    """Add what was paid in fees before each point. Cost O(the investor's fills so far), by index alone."""
    paid, summed = executions.c, fee_minutes.c
    bucket = (paid.time_ms - DAY_START_MS) // interval_ms
    by_fill = (
        select(func.max(paid.time_ms).label("time_ms"), func.sum(paid.fee).label("fee"))
        .where(paid.investor_id == investor_id, paid.fee.is_not(None), paid.time_ms < times_ms[-1])
        .group_by(bucket)
    )
    # Points are at whole minutes, so that it does not matter when in a minute it was.
    by_minute = (
        select(func.max(summed.minute_ms).label("time_ms"), func.sum(summed.fee_units).label("units"))
        .where(summed.investor_id == investor_id, summed.minute_ms < times_ms[-1])
        .group_by((summed.minute_ms - DAY_START_MS) // interval_ms)
    )
    # Of one moment: fees go from one table to the other when executions are deleted.
    with history.snapshot() as connection:
        told = [(row.time_ms, units_of(row.fee)) for row in connection.execute(by_fill)]
        told += [(row.time_ms, int(row.units)) for row in connection.execute(by_minute)]
    units = [0] * (len(times_ms) + 1)
    for time_ms, fee_units in told:
        units[bisect_left(times_ms, time_ms + 1)] += fee_units
    running = 0
    for total, more in zip(totals, units, strict=False):
        running += more
        total.fee_units = running
