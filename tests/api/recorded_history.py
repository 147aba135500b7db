"""A history with a small market in it, and all that a history has."""

from __future__ import annotations

from typing import Any

from sqlalchemy import NullPool, create_engine, select

from api.recorder.tables import metadata
from engine.domain import Cancel, Phase, SetPhase, Side
from engine.log import LogRecord
from engine.topics import BOOK
from tests.api.exchange import ME, Exchange


def market() -> list[LogRecord]:
    """Give a small market's records, without books."""
    exchange = Exchange()
    exchange.open()
    for number in range(12):
        exchange.time_ms += 7
        exchange.place(f"s-{number}", Side.SELL, 3, 10.0)
        exchange.place(f"b-{number}", Side.BUY, 2, 10.0, investor_id=ME)
    exchange.place("b-3", Side.BUY, 2, 10.0, investor_id=ME)
    exchange.run(Cancel(order_id="s-11", investor_id="ana"))
    exchange.run(SetPhase(symbol="PETR4", phase=Phase.HALTED))
    exchange.place("again", Side.BUY, 2, 10.0, investor_id=ME)
    exchange.run(SetPhase(symbol="PETR4", phase=Phase.CONTINUOUS))
    exchange.time_ms += 7
    exchange.place("again", Side.BUY, 2, 9.0, investor_id=ME)
    return [record for record in exchange.records if record.topic != BOOK]


def contents(url: str) -> dict[str, list[Any]]:
    """Give all rows of all tables, by their keys."""
    database = create_engine(url, poolclass=NullPool)
    with database.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }
