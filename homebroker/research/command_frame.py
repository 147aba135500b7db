"""A table of commands as a log of them: column by column where a row is plain, by the book where it is not.

Plain is a place, cancel, amend or cancel_all whose every field is good and needs no escape. All others go the
way of a record of `orders`, so whatever is taken here must be what that way would make of it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from engine.domain import (
    ID_LENGTH_MAX,
    PRICE_UNITS_MAX,
    QUANTITY_MAX,
    TIME_MS_MAX,
    UNITS_PER_CURRENCY,
    Malformed,
)
from engine.kernel.layout import (
    ANY_ASSET,
    COMMAND,
    NONE,
    ORDER_TYPES,
    SELF_TRADES,
    SIDES,
    TIMES_IN_FORCE,
    CommandKind,
)
from engine.kernel.octets import SLACK
from engine.names import Names
from engine.wire.commands import decode_command
from engine.wire.rows import CommandRows
from homebroker.research.command_log import CommandLog, empty_names
from homebroker.research.texts import (
    Texts,
    codes_of,
    mark_plain,
    mark_symbols,
    put_fingerprints,
    put_texts,
    texts_of,
)

_PLAIN_KINDS: Final = {
    "place": CommandKind.PLACE,
    "cancel": CommandKind.CANCEL,
    "amend": CommandKind.AMEND,
    "cancel_all": CommandKind.CANCEL_ALL,
}
_TEXTS: Final = ("order_id", "client_order_id", "investor_id", "symbol")
_SYMBOL_LENGTH_MAX: Final = 16
_HELP: Final = "This is no table of commands; hb.orders() gives one, indexed by UTC time."


class _Table(NamedTuple):
    """A table of commands, its columns by name, n rows."""

    columns: dict[str, Any]
    offsets: NDArray[np.int64]
    times_ms: NDArray[np.int64]


def log_from_frame(frame: pd.DataFrame | pa.Table) -> CommandLog:
    """Make a log of a table as `hb.orders` gives it.

    Raises
    ------
    ValueError
        When it is no table of commands, or its offsets do not rise.
    """
    table = _table_of(frame)
    rows, texts, plain = _plain_rows(table)
    investors, symbols = empty_names()
    rare = CommandRows(investors, symbols)
    places = np.flatnonzero(~plain)
    known = {id(investors): [0] * investors.count, id(symbols): [0] * symbols.count}
    for place in places.tolist():
        rare.add(_command(table, place), int(table.offsets[place]), int(table.times_ms[place]))
        for names in (investors, symbols):
            known[id(names)] += [place] * (names.count - len(known[id(names)]))
    text = _write(rows, texts, plain, rare, places)
    rows["account"][plain] = _name_rows(texts["investor_id"], plain, investors, known[id(investors)])
    assets = _name_rows(texts["symbol"], plain, symbols, known[id(symbols)])
    is_any = (rows["kind"][plain] == CommandKind.CANCEL_ALL) & (texts["symbol"].lengths[plain] == 0)
    rows["asset"][plain] = np.where(is_any, ANY_ASSET, assets)
    return CommandLog(rows, text, investors, symbols)


def _table_of(frame: pd.DataFrame | pa.Table) -> _Table:
    if isinstance(frame, pa.Table):
        columns = {name: frame.column(name).to_pandas() for name in frame.column_names}
        if "command" not in columns or "time_ms" not in columns:
            raise ValueError(_HELP)
        times_ms = columns["time_ms"].to_numpy(np.int64)
    else:
        if (
            "command" not in frame
            or not isinstance(frame.index, pd.DatetimeIndex)
            or frame.index.tz is None
            or frame.index.hasnans
        ):
            raise ValueError(_HELP)
        columns = {str(name): frame[name] for name in frame.columns}
        times_ms = frame.index.as_unit("ms").asi8
    count = len(times_ms)
    offsets = columns["offset"].to_numpy(np.int64) if "offset" in columns else np.arange(count)
    if count and (int(offsets[0]) < 0 or (np.diff(offsets) <= 0).any()):
        raise ValueError("The offsets do not rise; give the commands in the log's order.")
    if count and not (int(times_ms.min()) >= 0 and int(times_ms.max()) <= TIME_MS_MAX):
        raise ValueError("A command's time is not within the years 1970 to 9999.")
    columns.pop("offset", None)
    columns.pop("time_ms", None)
    return _Table(columns, offsets, np.asarray(times_ms, np.int64))


def _command(table: _Table, place: int) -> Any:
    """Give a row's command by the way of its record."""
    values = {name: column.iloc[place] for name, column in table.columns.items()}
    fields = {name: _plain(value) for name, value in values.items() if not pd.isna(value)}
    if fields.get("command") == "malformed":
        names = [name for name in Malformed.__struct_fields__ if name in fields]
        return Malformed(**({"message": ""} | {name: fields[name] for name in names}))
    return decode_command(msgspec.json.encode(fields))


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    # A column of whole numbers in which some are missing may have come as floats.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _plain_rows(table: _Table) -> tuple[NDArray[Any], dict[str, Texts], NDArray[np.bool_]]:
    """Fill in the numbers of the rows that are plain, and tell which are."""
    count = len(table.offsets)
    rows = np.zeros(count, COMMAND)
    rows["offset"], rows["time_ms"] = table.offsets, table.times_ms
    plain = np.ones(count, np.bool_)
    kinds = _coded(table, "command", list(_PLAIN_KINDS), plain, needed=True)
    rows["kind"] = np.array([*_PLAIN_KINDS.values(), 0])[kinds]
    is_place = rows["kind"] == CommandKind.PLACE
    is_amend = rows["kind"] == CommandKind.AMEND
    of_order = is_place | is_amend | (rows["kind"] == CommandKind.CANCEL)
    _words(rows, table, is_place, plain)
    sizes = ("quantity", QUANTITY_MAX, is_place | is_amend), ("display_quantity", QUANTITY_MAX, is_place)
    for name, most, has in (*sizes, ("expires_at_ms", TIME_MS_MAX, is_place)):
        rows[name] = _whole(table, name, most, has, plain)
    for name, has in (("price", is_place | is_amend), ("stop_price", is_place)):
        rows[name] = _units(table, name, has, plain)
    plain &= ~is_place | (rows["quantity"] > 0)
    texts = {
        name: _texts(table, name, has, plain)
        for name, has in zip(
            _TEXTS, (of_order, is_place, of_order | ~of_order, is_place | ~of_order), strict=True
        )
    }
    plain &= ~of_order | (texts["order_id"].lengths > 0)
    plain &= texts["investor_id"].lengths > 0
    plain &= ~is_place | (texts["symbol"].lengths > 0)
    return rows, texts, plain


def _words(rows: NDArray[Any], table: _Table, is_place: NDArray[np.bool_], plain: NDArray[np.bool_]) -> None:
    side = _coded(table, "side", [str(word) for word in SIDES], plain, needed=is_place)
    rows["side"] = np.where(is_place, np.maximum(side, 0), 0)
    defaults = (("type", ORDER_TYPES), ("time_in_force", TIMES_IN_FORCE), ("self_trade", SELF_TRADES))
    for name, words in defaults:
        codes = _coded(table, name, [str(word) for word in words], plain, needed=False)
        # What is left out is the first of its words: limit, day, expire_taker.
        rows[name] = np.where(is_place, np.maximum(codes, 0), 0)
    if "post_only" in table.columns:
        flags = table.columns["post_only"]
        try:
            told = flags.astype("boolean")
        except (TypeError, ValueError):
            plain &= flags.isna().to_numpy()
            return
        rows["flag"] = is_place & told.fillna(False).to_numpy(np.bool_)


def _coded(
    table: _Table, name: str, words: list[str], plain: NDArray[np.bool_], *, needed: Any
) -> NDArray[np.int64]:
    """Give a column's words as their places, -1 where there is none; a word that is not one is not plain."""
    if name not in table.columns:
        plain &= ~np.broadcast_to(needed, len(plain))
        return np.full(len(plain), -1, np.int64)
    column = table.columns[name]
    codes = _places_of(column, pd.Index(words, dtype=object))
    missing = column.isna().to_numpy()
    plain &= ~((codes < 0) & (~missing | np.broadcast_to(needed, len(plain))))
    return codes


def _places_of(column: Any, words: pd.Index) -> NDArray[np.int64]:
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return words.get_indexer_for(column.astype(object)).astype(np.int64)
    places = words.get_indexer_for(column.cat.categories.astype(object))
    # The code of what is missing is -1, which takes the place put last.
    coded: NDArray[np.int64] = np.append(places, -1)[column.cat.codes.to_numpy()].astype(np.int64)
    return coded


def _numbers(table: _Table, name: str, plain: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Give a column's numbers and where there is one; what is no number is not plain."""
    nothing = np.zeros(len(plain), np.float64), np.zeros(len(plain), np.bool_)
    if name not in table.columns:
        return nothing
    column = table.columns[name]
    there = column.notna().to_numpy()
    if pd.api.types.is_bool_dtype(column.dtype) or not pd.api.types.is_numeric_dtype(column.dtype):
        plain &= ~there
        return nothing
    values = column.to_numpy(np.float64, na_value=0.0)
    return np.where(there, values, 0.0), there


def _whole(
    table: _Table, name: str, most: int, has: NDArray[np.bool_], plain: NDArray[np.bool_]
) -> NDArray[np.int64]:
    values, there = _numbers(table, name, plain)
    good = (values >= 1) & (values <= most) & (values == np.floor(values))
    plain &= ~(has & there & ~good)
    return np.where(has & there & good, values, 0).astype(np.int64)


def _units(table: _Table, name: str, has: NDArray[np.bool_], plain: NDArray[np.bool_]) -> NDArray[np.int64]:
    values, there = _numbers(table, name, plain)
    bounded = (values > 0) & (values <= PRICE_UNITS_MAX / UNITS_PER_CURRENCY)
    units = np.rint(np.where(bounded, values, 0.0) * UNITS_PER_CURRENCY)
    good = bounded & (units / UNITS_PER_CURRENCY == values)
    plain &= ~(has & there & ~good)
    return np.where(has & there & good, units, 0).astype(np.int64)


def _texts(table: _Table, name: str, has: NDArray[np.bool_], plain: NDArray[np.bool_]) -> Texts:
    """Give a column's texts where the row's kind has one; one that is too long or odd is not plain."""
    count = len(plain)
    if name not in table.columns:
        return Texts(np.zeros(SLACK, np.uint8), np.zeros(count, np.int64), np.zeros(count, np.int64))
    column = table.columns[name]
    try:
        texts = texts_of(column)
    except TypeError:
        plain &= False
        texts = texts_of(column.astype("str"))
    # An empty text is not a missing one: it is wrong, and the record's way says so.
    plain &= ~(has & (texts.lengths == 0) & column.notna().to_numpy())
    lengths = np.where(has, texts.lengths, 0)
    longest = _SYMBOL_LENGTH_MAX if name == "symbol" else ID_LENGTH_MAX
    mark_plain(texts.octets, texts.starts, lengths, longest, plain)
    if name == "symbol":
        mark_symbols(texts.octets, texts.starts, lengths, plain)
    return Texts(texts.octets, texts.starts, lengths)


def _write(
    rows: NDArray[Any],
    texts: dict[str, Texts],
    plain: NDArray[np.bool_],
    rare: CommandRows,
    places: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """Put the texts of plain rows behind those of the others, and all rows in their places."""
    plain_places = np.flatnonzero(plain)
    lengths = sum((texts[name].lengths[plain] for name in _TEXTS), np.zeros(len(plain_places), np.int64))
    ends = rare.text_length + np.cumsum(lengths)
    text = np.zeros((int(ends[-1]) if len(ends) else rare.text_length) + SLACK, np.uint8)
    text[: rare.text_length] = rare.text[: rare.text_length]
    rows["text"][plain] = ends - lengths
    fields = ("id_length", "client_length", "investor_length", "symbol_length")
    for name, field in zip(_TEXTS, fields, strict=True):
        of_plain = texts[name].taken(plain_places)
        put_texts(rows, plain_places, *of_plain, text)
        rows[field][plain] = of_plain.lengths
    rows["message_length"][plain] = 0
    put_fingerprints(rows, plain_places, text)
    rows[places] = rare.commands
    return text


def _name_rows(
    texts: Texts, plain: NDArray[np.bool_], names: Names, known_from: list[int]
) -> NDArray[np.int64]:
    """Give the row of each plain row's name, NONE where the log had not brought that name by then."""
    places = np.flatnonzero(plain)
    codes, different = codes_of(texts.taken(places))
    found = np.array([names.find(name) if name else NONE for name in different] or [NONE], np.int64)
    since = np.array([*known_from, len(plain)], np.int64)[found]
    return np.where(since[codes] <= places, found[codes], NONE)
