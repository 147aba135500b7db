"""What callers give as commands, as a log of them: values, records, tables, files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa

from engine import domain
from engine.batches import RawRecords
from engine.kernel.octets import SLACK
from homebroker.research.arguments import check_path
from homebroker.research.command_frame import log_from_frame
from homebroker.research.command_log import CommandLog, LogBuilder
from homebroker.research.rows import LoggedCommand

if TYPE_CHECKING:
    from homebroker.simulator.rehearsal import Rehearsal
    from homebroker.simulator.simulation import Simulation

CommandInput: TypeAlias = domain.Command | LoggedCommand | Mapping[str, Any]
"""A command as the engine's value, with its place in a log, or as a record of `orders`."""
Commands: TypeAlias = (
    "CommandLog | pd.DataFrame | pa.Table | str | Path | Simulation | Iterable[CommandInput]"
)
"""What can be run: see `homebroker.replay`."""

_PIECE_RECORDS: Final = 20_000
_MALFORMED: Final = "malformed"


def log_of(commands: Commands) -> CommandLog:
    """Make a log of what a caller gave.

    Raises
    ------
    ValueError
        When the offsets do not rise, or what is given is no command.
    """
    if isinstance(commands, CommandLog):
        return commands
    if isinstance(commands, (str, os.PathLike)):
        check_path(commands)
        # Only who replays a file needs what reads files.
        from homebroker.order_flow.importing import log_from_file  # noqa: PLC0415

        return log_from_file(Path(commands)).log
    if isinstance(commands, (pd.DataFrame, pa.Table)):
        return log_from_frame(commands)
    if isinstance(commands, Iterable):
        return _log_from_values(cast("Iterable[CommandInput]", commands))
    # Only who replays a simulated market needs its investors.
    from homebroker.simulator.simulation import Simulation  # noqa: PLC0415

    if not isinstance(commands, Simulation):
        raise ValueError(f"{commands!r} is no log of commands; see hb.replay? for what is.")
    return _log_of_steps(commands.rehearsal(), commands.end_ms)


def _log_of_steps(market: Rehearsal, end_ms: int) -> CommandLog:
    builder = LogBuilder()
    while market.next_ms <= end_ms:
        step = market.step()
        builder.add(step.command, market.shard.offset, step.time_ms)
    return builder.log()


def _log_from_values(commands: Iterable[CommandInput]) -> CommandLog:
    builder = LogBuilder()
    records = _Records(builder)
    offset, time_ms = -1, 0
    for given in commands:
        if isinstance(given, LoggedCommand):
            offset, time_ms, command = given.offset, given.time_ms, _value(given.command)
        else:
            offset, command = offset + 1, _value(given)
        if isinstance(command, bytes):
            records.add(command, offset, time_ms)
        else:
            records.flush()
            builder.add(command, offset, time_ms)
    records.flush()
    return builder.log()


def _value(given: Any) -> domain.Command | bytes:
    """Give a command as a value, or as its record's bytes."""
    if isinstance(given, domain.Command):
        return given
    if not isinstance(given, Mapping):
        raise ValueError(f"{given!r} is no command; see hb.replay? for what is.")
    return malformed_of(given) if given.get("command") == _MALFORMED else encode_fields(given)


def malformed_of(fields: Mapping[str, Any]) -> domain.Malformed:
    """Give what `hb.orders` tells of a record that was no command."""
    names = [name for name in domain.Malformed.__struct_fields__ if fields.get(name)]
    return domain.Malformed(**({"message": ""} | {name: str(fields[name]) for name in names}))


class _Records:
    """Records on their way into a log, many at once."""

    def __init__(self, builder: LogBuilder) -> None:
        self._builder = builder
        self._values: list[bytes] = []
        self._places: list[tuple[int, int]] = []

    def add(self, value: bytes, offset: int, time_ms: int) -> None:
        self._values.append(value)
        self._places.append((offset, time_ms))
        if len(self._values) >= _PIECE_RECORDS:
            self.flush()

    def flush(self) -> None:
        if not self._values:
            return
        data = np.frombuffer(b"".join(self._values) + bytes(SLACK), np.uint8)
        ends = np.cumsum([len(value) for value in self._values])
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        places = np.array(self._places, np.int64)
        if (np.diff(places[:, 0]) <= 0).any():
            raise ValueError("The offsets do not rise; give the commands in the log's order.")
        offsets, times_ms = np.ascontiguousarray(places[:, 0]), np.ascontiguousarray(places[:, 1])
        self._values, self._places = [], []
        self._builder.add_records(RawRecords(data, offsets, times_ms, starts, ends))


def encode_fields(fields: Mapping[str, Any]) -> bytes:
    """Write a record of `orders`; raises ValueError where a field cannot be in one."""
    said = {name: value for name, value in fields.items() if value is not None}
    try:
        return msgspec.json.encode(said, enc_hook=_plain)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{dict(fields)!r} is no command: {error}.") from None


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in a record")
