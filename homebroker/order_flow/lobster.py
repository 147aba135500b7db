"""LOBSTER message files as commands.

A message file tells what happened to orders of NASDAQ's book, not what was sent: a marketable order shows
only as the executions of those that it met. So each execution becomes an order that takes just that much at
that price, and whether it meets the very order that the file says is what a replay is checked by.

References
----------
LOBSTER, "Output": columns time, type, order id, size, price (dollars × 10,000), direction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from engine.domain import PRICE_UNITS_MAX, QUANTITY_MAX, SYMBOL_PATTERN, UNITS_PER_CURRENCY
from homebroker.order_flow.reading import ROWS_MAX, FlowError
from homebroker.research.arguments import check_path, check_symbol, check_text
from homebroker.research.command_frame import log_from_frame
from homebroker.research.command_log import CommandLog

MAKER_ID: Final = "lobster-maker"
TAKER_ID: Final = "lobster-taker"
_COLUMNS: Final = ("time", "type", "order_id", "size", "price", "direction")
_NEW, _REDUCED, _DELETED, _EXECUTED, _HIDDEN, _CROSSED, _HALTED = range(1, 8)
_NAME: Final = re.compile(r"(?P<symbol>[A-Z0-9.\-]+)_(?P<date>\d{4}-\d\d-\d\d)_.*message", re.ASCII)
_ZONE: Final = "America/New_York"
_DAY_SECONDS: Final = 86_400
_FIRST_LINE: Final = re.compile(rb"\d+(\.\d+)?,[1-7],-?\d+,\d+,-?\d+,-?1(,[^\n]*)?\r?\n?")


class LobsterFlow(Struct, frozen=True, kw_only=True):
    """A message file as commands.

    Attributes
    ----------
    log : CommandLog
        Listing, accounts, orders that rested before the file begins, then the file's.
    seeded : int
        Orders that the file speaks of and that were there before it begins. They are put in beforehand, with
        hindsight: at the price and of the quantity that the file speaks of later.
    ignored : int
        Rows without a command: trades of hidden orders and crosses, which no visible book shows.
    executed : DataFrame
        What must be traded: for each execution the resting order's id, price and quantity.
    """

    log: CommandLog
    symbol: str
    rows: int
    seeded: int
    ignored: int
    executed: pd.DataFrame


def is_lobster(path: Path) -> bool:
    """Tell whether a file begins as LOBSTER messages do."""
    try:
        with path.open("rb") as file:
            return _FIRST_LINE.fullmatch(file.readline(256)) is not None
    except OSError as error:
        raise FlowError(f"{path} cannot be read: {error.strerror or error}; check the path.") from error


def read_lobster(path: Path | str, *, symbol: str | None = None, date: str | None = None) -> LobsterFlow:
    """Make commands of a LOBSTER message file.

    Parameters
    ----------
    path : Path or str
        `SYMBOL_DATE_…_message_N.csv`, not packed.
    symbol, date : str, optional
        What to trade it as, and the day as YYYY-MM-DD; otherwise from the file's name, or REPLAY on the
        first day of 1970.

    Raises
    ------
    FlowError
        At the first row that is no message.
    """
    check_path(path)
    check_symbol(symbol)
    if date is not None:
        check_text(date, name="date")
    path = Path(path)
    named = _NAME.match(path.name)
    symbol = symbol or (named["symbol"] if named else "REPLAY")
    if not re.match(SYMBOL_PATTERN, symbol):
        raise FlowError(f"{symbol!r} is no symbol; use up to 16 capital letters, digits, dots and dashes.")
    messages = _read(path)
    times = _times(messages, date or (named["date"] if named else "1970-01-01"))
    seeds = _seeds(messages)
    parts = [_opening(symbol, messages, times[0]), _orders(seeds, symbol, times[0])]
    commands = _commands(messages, seeds, symbol, times)
    log = log_from_frame(pd.concat([*parts, commands]))
    executed = messages[messages["type"] == _EXECUTED]
    return LobsterFlow(
        log=log,
        symbol=symbol,
        rows=len(messages),
        seeded=len(seeds),
        ignored=len(messages) - len(commands),
        executed=pd.DataFrame(
            {
                "order_id": executed["order_id"].astype(str).to_numpy(),
                "price": executed["price"].to_numpy() / UNITS_PER_CURRENCY,
                "quantity": executed["size"].to_numpy(),
            }
        ),
    )


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            path, header=None, usecols=range(6), names=_COLUMNS, nrows=ROWS_MAX + 1, dtype=str
        )
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise FlowError(
            f"{path.name} is no LOBSTER message file ({error}); it has rows of {', '.join(_COLUMNS)}."
        ) from error
    if len(table) > ROWS_MAX:
        raise FlowError(f"{path.name}: a file has at most {ROWS_MAX:,} rows; split it.")
    if table.empty:
        raise FlowError(f"{path.name} is empty; give a file with messages in it.")
    numbers = table.apply(pd.to_numeric, errors="coerce")
    _check(path, table, numbers.isna().any(axis=1), "has something that is no number")
    messages: pd.DataFrame = numbers.astype(dict.fromkeys(_COLUMNS[1:], np.int64))
    _check(path, table, (numbers[list(_COLUMNS[1:])] % 1 != 0).any(axis=1), "has a fraction")
    _check(path, table, ~messages["type"].between(_NEW, _HALTED), "is of no type from 1 to 7")
    _check(path, table, ~messages["time"].between(0, _DAY_SECONDS), "is not within a day")
    _check(path, table, messages["time"].diff() < 0, "goes back in time")
    of_orders = messages["type"] <= _EXECUTED
    _check(path, table, of_orders & ~messages["size"].between(1, QUANTITY_MAX), "has no possible size")
    _check(path, table, of_orders & ~messages["price"].between(1, PRICE_UNITS_MAX), "has no possible price")
    _check(path, table, of_orders & ~messages["direction"].isin([-1, 1]), "has no direction")
    again = (messages["type"] == _NEW) & messages.duplicated("order_id")
    _check(path, table, again, "enters an order that was there before")
    return messages


def _check(path: Path, table: pd.DataFrame, wrong: pd.Series[bool], what: str) -> None:
    if wrong.any():
        line = int(np.flatnonzero(wrong.to_numpy())[0])
        told = ",".join(map(str, table.iloc[line]))
        raise FlowError(f"{path.name}, line {line + 1}: {told[:120]!r} {what}; is this the right file?")


def _times(messages: pd.DataFrame, date: str) -> pd.DatetimeIndex:
    try:
        midnight = pd.Timestamp(date, tz=_ZONE)
    except ValueError:
        raise FlowError(f"date={date!r} is no day; say YYYY-MM-DD.") from None
    ms = np.floor(messages["time"].to_numpy() * 1_000).astype(np.int64)
    return pd.DatetimeIndex(midnight.tz_convert("UTC") + pd.to_timedelta(ms, unit="ms"), name="time").as_unit(
        "ms"
    )


def _seeds(messages: pd.DataFrame) -> pd.DataFrame:
    """Give the orders that rested before the file begins: by id, which is the order of their arrival."""
    of_orders = messages[messages["type"] <= _EXECUTED]
    first = of_orders.drop_duplicates("order_id").set_index("order_id")
    first = first[first["type"] != _NEW]
    sizes = of_orders[of_orders["order_id"].isin(first.index)].groupby("order_id")["size"].sum()
    return first.assign(size=sizes).sort_index().reset_index()


def _opening(symbol: str, messages: pd.DataFrame, time: pd.Timestamp) -> pd.DataFrame:
    prices = messages.loc[messages["type"] <= _EXECUTED, "price"].to_numpy()
    tick_units = int(np.gcd.reduce(np.append(prices, UNITS_PER_CURRENCY // 100)))
    reference = int(prices[0]) if len(prices) else tick_units
    listing = {
        "command": "list_asset",
        "symbol": symbol,
        "name": f"LOBSTER {symbol}",
        "tick_size": tick_units / UNITS_PER_CURRENCY,
        "lot_size": 1,
        "reference_price": reference / UNITS_PER_CURRENCY,
    }
    accounts = [
        {"command": "open_account", "investor_id": investor, "unlimited": True}
        for investor in (MAKER_ID, TAKER_ID)
    ]
    return pd.DataFrame([listing, *accounts], index=pd.DatetimeIndex([time] * 3, name="time"))


def _orders(seeds: pd.DataFrame, symbol: str, time: pd.Timestamp) -> pd.DataFrame:
    placed = _placed(seeds, symbol)
    placed.index = pd.DatetimeIndex([time] * len(seeds), name="time")
    return placed


def _placed(messages: pd.DataFrame, symbol: str, fields: Mapping[str, Any] | None = None) -> pd.DataFrame:
    # Post-only: what is entered in a message rests. Where it would trade, something before is missing, and
    # a refusal is seen where a wrong trade is not.
    return pd.DataFrame(
        {
            "command": "place",
            "order_id": messages["order_id"].astype(str).to_numpy(),
            "investor_id": MAKER_ID,
            "symbol": symbol,
            "side": np.where(messages["direction"] > 0, "buy", "sell"),
            "quantity": messages["size"].to_numpy(),
            "price": messages["price"].to_numpy() / UNITS_PER_CURRENCY,
            "time_in_force": "gtc",
            "post_only": True,
            **(fields or {}),
        }
    )


def _commands(
    messages: pd.DataFrame, seeds: pd.DataFrame, symbol: str, times: pd.DatetimeIndex
) -> pd.DataFrame:
    kinds = messages["type"].to_numpy()
    parts = [
        _at(_placed(messages[kinds == _NEW], symbol), kinds == _NEW),
        _at(_reduced(messages, seeds), kinds == _REDUCED),
        _at(_canceled(messages[kinds == _DELETED]), kinds == _DELETED),
        _at(_taken(messages[kinds == _EXECUTED], symbol), kinds == _EXECUTED),
        _phases(messages, symbol),
    ]
    commands = pd.concat(parts).sort_index()
    commands.index = times[commands.index]
    return commands


def _at(commands: pd.DataFrame, rows: NDArray[np.bool_]) -> pd.DataFrame:
    commands.index = pd.Index(np.flatnonzero(rows))
    return commands


def _reduced(messages: pd.DataFrame, seeds: pd.DataFrame) -> pd.DataFrame:
    """Give partial cancels as amends to a new total, filled shares included as everywhere."""
    entered = pd.concat([seeds, messages[messages["type"] == _NEW]]).set_index("order_id")["size"]
    reduced = messages[messages["type"] == _REDUCED]
    gone = reduced.groupby("order_id")["size"].cumsum()
    return pd.DataFrame(
        {
            "command": "amend",
            "order_id": reduced["order_id"].astype(str).to_numpy(),
            "investor_id": MAKER_ID,
            "quantity": reduced["order_id"].map(entered).to_numpy() - gone.to_numpy(),
        }
    )


def _canceled(deleted: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "command": "cancel",
            "order_id": deleted["order_id"].astype(str).to_numpy(),
            "investor_id": MAKER_ID,
        }
    )


def _taken(executed: pd.DataFrame, symbol: str) -> pd.DataFrame:
    fields = {
        "order_id": [f"x-{row}" for row in executed.index],
        "investor_id": TAKER_ID,
        "side": np.where(executed["direction"] > 0, "sell", "buy"),
        "time_in_force": "ioc",
        "post_only": False,
    }
    return _placed(executed, symbol, fields)


def _phases(messages: pd.DataFrame, symbol: str) -> pd.DataFrame:
    """Give halts and resumptions of trading; that quotes are taken again changes nothing here."""
    halted = messages[(messages["type"] == _HALTED) & messages["price"].isin([-1, 1])]
    return pd.DataFrame(
        {
            "command": "set_phase",
            "symbol": symbol,
            "phase": np.where(halted["price"] < 0, "halted", "continuous"),
        },
        index=halted.index,
    )
