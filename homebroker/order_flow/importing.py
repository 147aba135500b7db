"""Files of recorded order flow as logs of commands, for replays in memory."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from homebroker.order_flow.lobster import is_lobster, read_lobster
from homebroker.order_flow.mapping import FlowMapper
from homebroker.order_flow.reading import check_flow, read_flow, symbol_from_name
from homebroker.order_flow.replay import SESSION_SECONDS
from homebroker.research.command_log import CommandLog, LogBuilder

SESSION_OPENS_MS = 13 * 3_600_000
_RUN = "flow"


class ImportedFlow(Struct, frozen=True, kw_only=True):
    """A file's orders as commands, those that list its symbol and open its accounts first.

    `rows` were in the file; `ignored` of them have no command, because they tell of orders that are not open
    or of what no book shows.
    """

    log: CommandLog
    symbol: str
    rows: int
    ignored: int


def log_from_file(path: Path) -> ImportedFlow:
    """Make commands of a file of order flow: plain (`seq,op,id,…`) or LOBSTER messages.

    Raises
    ------
    FlowError
        When the file is neither; says where it is wrong.
    """
    if is_lobster(path):
        lobster = read_lobster(path)
        return ImportedFlow(
            log=lobster.log, symbol=lobster.symbol, rows=lobster.rows, ignored=lobster.ignored
        )
    return read_plain(path)


def read_plain(path: Path, *, symbol: str | None = None, start_ms: int = SESSION_OPENS_MS) -> ImportedFlow:
    """Make commands of a plain order-flow file.

    Parameters
    ----------
    path : Path
        The file; checked as a whole first.
    symbol : str, optional
        What to trade it as; otherwise after the file's name.
    start_ms : int
        When its session opens, UTC milliseconds: rows carry no clock, so they are spread evenly over a
        session, by default the first of 1970.

    Raises
    ------
    FlowError
        When the file is not as it should be.
    """
    summary = check_flow(path)
    symbol = symbol or symbol_from_name(path)
    mapper = FlowMapper(symbol, run=_RUN, reference_price_units=summary.reference_price_units)
    builder = LogBuilder()
    for command in mapper.opening:
        builder.add(command, builder.newest_offset + 1, start_ms)
    ignored = 0
    for number, row in enumerate(read_flow(path)):
        command = mapper.map(row)  # type: ignore[assignment]
        if command is None:
            ignored += 1
        else:
            time_ms = start_ms + number * SESSION_SECONDS * 1_000 // summary.rows
            builder.add(command, builder.newest_offset + 1, time_ms)
    return ImportedFlow(log=builder.log(), symbol=symbol, rows=summary.rows, ignored=ignored)
