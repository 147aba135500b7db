"""`hb.replay`: commands through the engine's own shard, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
import pandas as pd

from engine import domain
from engine.domain import Execution, Trade
from engine.shard import Shard
from engine.wire.commands import decode_command, record_names
from engine.wire.records import ExecutionReport, Stamp, Transaction, execution_record, transaction_record
from homebroker.research.frames import frame_of
from homebroker.research.rows import COMMANDS, LoggedCommand

ReplayInput: TypeAlias = domain.Command | LoggedCommand | Mapping[str, Any]
_PIECE_ROWS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What came of a replay, as `hb.transactions` and `hb.executions` would show it."""

    transactions: pd.DataFrame
    executions: pd.DataFrame


def replay(commands: pd.DataFrame | Iterable[ReplayInput]) -> Replay:
    """Run commands through the very engine, in memory, from an empty market. Touches no topic.

    Parameters
    ----------
    commands : DataFrame or iterable
        A table as `hb.orders` gives it, or, in order, commands as records of the `orders` topic (mappings
        such as ``{"command": "place", …}``), as the engine's own values, or as `hb.follow("orders")` gives
        them. Assets must be listed and accounts opened by commands too, as in the log.
        One without an offset has the next; one without a time has that of the command before, the first 1970.

    Returns
    -------
    Replay
        The same trades and reports, to the last field, that the engine sends for this log.

    Raises
    ------
    ValueError
        When the offsets do not rise, or what is given is no command.
    """
    shard = Shard(0)
    trades, reports = _Rows(Transaction), _Rows(ExecutionReport)
    for logged in _logged(commands):
        if logged.offset <= shard.offset:
            raise ValueError(
                f"Offset {logged.offset} comes after {shard.offset}: give the commands in the log's order."
            )
        events = shard.apply(logged.command, offset=logged.offset, time_ms=logged.time_ms)
        stamp = Stamp(shard.number, logged.offset, shard.time_ms)
        trade_index = report_index = 0
        for event in events:
            if isinstance(event, Trade):
                trades.add(transaction_record(event, stamp, trade_index))
                trade_index += 1
            elif isinstance(event, Execution):
                reports.add(execution_record(event, stamp, report_index))
                report_index += 1
    return Replay(transactions=trades.frame(), executions=reports.frame())


class _Rows:
    """Rows on their way into a table, so many at a time that millions need no more memory than it does."""

    def __init__(self, row_type: type[msgspec.Struct]) -> None:
        self._row_type = row_type
        self._rows: list[msgspec.Struct] = []
        self._pieces: list[pd.DataFrame] = []

    def add(self, row: msgspec.Struct) -> None:
        self._rows.append(row)
        if len(self._rows) >= _PIECE_ROWS:
            self._pieces.append(self._take())

    def frame(self) -> pd.DataFrame:
        rest = self._take()
        return pd.concat([*self._pieces, rest]) if self._pieces else rest

    def _take(self) -> pd.DataFrame:
        rows, self._rows = self._rows, []
        return frame_of(self._row_type, rows)


def _logged(commands: pd.DataFrame | Iterable[ReplayInput]) -> Iterator[LoggedCommand]:
    if isinstance(commands, pd.DataFrame):
        yield from _from_frame(commands)
        return
    offset, time_ms = -1, 0
    for command in commands:
        if isinstance(command, LoggedCommand):
            logged = command
        elif isinstance(command, Mapping):
            logged = LoggedCommand(offset=offset + 1, time_ms=time_ms, command=_from_fields(command))
        elif isinstance(command, domain.Command):
            logged = LoggedCommand(offset=offset + 1, time_ms=time_ms, command=command)
        else:
            raise ValueError(f"{command!r} is no command; see hb.replay? for what is.")
        offset, time_ms = logged.offset, logged.time_ms
        yield logged


def _from_frame(frame: pd.DataFrame) -> Iterator[LoggedCommand]:
    if "command" not in frame or not isinstance(frame.index, pd.DatetimeIndex) or frame.index.tz is None:
        raise ValueError("This is no table of commands; hb.orders() gives one, indexed by UTC time.")
    times_ms = frame.index.as_unit("ms").asi8.tolist()
    offsets = frame["offset"].tolist() if "offset" in frame else range(len(frame))
    names = [name for name in frame.columns if name not in {"offset", "time_ms"}]
    columns = [frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in names]
    for offset, time_ms, values in zip(offsets, times_ms, zip(*columns, strict=True), strict=True):
        fields = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        yield LoggedCommand(offset=offset, time_ms=time_ms, command=_from_fields(fields))


def _from_fields(fields: Mapping[str, Any]) -> domain.Command:
    kind = COMMANDS.get(fields.get("command", ""))
    if kind is domain.Malformed:
        return domain.Malformed(**{name: fields[name] for name in kind.__struct_fields__ if name in fields})
    if kind is None:
        return decode_command(msgspec.json.encode(fields))
    # A table has columns of every kind of command, and a person may have filled more than this kind has.
    record = {name: fields[name] for name in record_names(kind) if name in fields}
    return decode_command(msgspec.json.encode({"command": fields["command"], **record}))
