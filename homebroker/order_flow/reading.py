"""The plain order-flow files: rows read one by one, and nothing sent before the whole file was checked."""

from __future__ import annotations

import gzip
import itertools
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, NamedTuple, cast

from msgspec import Struct

from engine.domain import PRICE_UNITS_MAX, QUANTITY_MAX, SYMBOL_PATTERN, UNITS_PER_CURRENCY, Side

UNITS_PER_CENTAVO = UNITS_PER_CURRENCY // 100
FLOW_HEADER = "seq,op,id,side,price,qty"
TRADES_HEADER = "seq,buy_id,sell_id,price,qty"
FLOW_ID_LENGTH_MAX = 40
ROWS_MAX = 10_000_000
_LINE_BYTES_MAX = 256
_SEQ_MAX = 10**15
_CENTAVOS_MAX = PRICE_UNITS_MAX // UNITS_PER_CENTAVO
_ID = re.compile(rf"[A-Za-z0-9._\-]{{1,{FLOW_ID_LENGTH_MAX}}}")
_SIDES = {"B": Side.BUY, "S": Side.SELL}


class FlowError(ValueError):
    """A file that is not order flow; the sentence says where, what is wrong and what to do."""


class Op(StrEnum):
    """What a row does."""

    REST = "rest"
    LIMIT = "limit"
    POST = "post"
    MARKET_TO_LIMIT = "mtl"
    REPLACE = "replace"
    CANCEL = "cancel"


class FlowRow(NamedTuple):
    """One row of an order-flow file; the price in centavos."""

    seq: int
    op: Op
    flow_id: str
    side: Side | None
    price_centavos: int | None
    quantity: int | None


class FlowTrade(NamedTuple):
    """One row of a trades file; `seq` is the row of the flow that caused it."""

    seq: int
    buy_id: str
    sell_id: str
    price_centavos: int
    quantity: int


class FlowSummary(Struct, frozen=True, kw_only=True):
    """What a whole file holds."""

    rows: int
    reference_price_units: int


def read_flow(path: Path) -> Iterator[FlowRow]:
    """Read an order-flow file, plain or gzipped, row by row.

    Raises
    ------
    FlowError
        At the first line that is not as it should be.
    """
    last_seq = -1
    for place, fields in _lines(path, FLOW_HEADER):
        row = _flow_row(place, fields)
        if row.seq <= last_seq:
            raise FlowError(f"{place}: seq {row.seq} does not grow; number the rows upwards, each once.")
        last_seq = row.seq
        yield row


def read_trades(path: Path) -> Iterator[FlowTrade]:
    """Read a file of trades, plain or gzipped, row by row; raises `FlowError`."""
    for place, (seq, buy_id, sell_id, price, quantity) in _lines(path, TRADES_HEADER):
        yield FlowTrade(
            _whole(place, "seq", seq, 0, _SEQ_MAX),
            _flow_id(place, buy_id),
            _flow_id(place, sell_id),
            _whole(place, "price", price, 1, _CENTAVOS_MAX),
            _whole(place, "qty", quantity, 1, QUANTITY_MAX),
        )


def check_flow(path: Path) -> FlowSummary:
    """Read a whole order-flow file and check what single rows cannot tell.

    Every id enters once, the opening book stands before all else, and does not cross itself.

    Raises
    ------
    FlowError
        At the first row that is not as it should be.
    """
    entered: set[str] = set()
    rows, opening, reference = 0, _OpeningBook(), None
    for row in read_flow(path):
        rows += 1
        place = f"{path.name}, seq {row.seq}"
        if row.op in {Op.CANCEL, Op.REPLACE}:
            opening.close()
        else:
            if row.flow_id in entered:
                raise FlowError(f"{place}: id {row.flow_id} entered before; give each order its own id.")
            entered.add(row.flow_id)
            opening.add(place, row)
        if reference is None and row.op is not Op.REST:
            reference = row.price_centavos
    if not rows:
        raise FlowError(f"{path.name} has a header and no rows; give a file with orders in it.")
    reference = reference or opening.any_price or 1
    return FlowSummary(rows=rows, reference_price_units=reference * UNITS_PER_CENTAVO)


def symbol_from_name(path: Path) -> str:
    """Guess the symbol from a file's name: `b3_petr4f.commands.csv.gz` holds PETR4F."""
    stem = path.name.split(".", 1)[0]
    symbol = stem.rsplit("_", 1)[-1].upper()
    return symbol if re.match(SYMBOL_PATTERN, symbol) else "REPLAY"


class _OpeningBook:
    def __init__(self) -> None:
        self.any_price: int | None = None
        self._open = True
        self._best: dict[Side, int] = {}

    def close(self) -> None:
        self._open = False

    def add(self, place: str, row: FlowRow) -> None:
        if row.op is not Op.REST:
            self.close()
            return
        if not self._open:
            raise FlowError(
                f"{place}: a rest row after others; the opening book comes first, use limit here."
            )
        assert row.side is not None and row.price_centavos is not None, "rest rows have both"
        self.any_price = self.any_price or row.price_centavos
        better = max if row.side is Side.BUY else min
        self._best[row.side] = better(self._best.get(row.side, row.price_centavos), row.price_centavos)
        if len(self._best) == len(Side) and self._best[Side.BUY] >= self._best[Side.SELL]:
            raise FlowError(
                f"{place}: this order would trade inside the opening book; a book at rest does not cross, "
                "enter the order as limit."
            )


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            yield cast(IO[bytes], file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FlowError(f"{path.name} is not a whole gzip file ({error}); copy or pack it again.") from error
    except OSError as error:
        raise FlowError(f"{path} cannot be read: {error.strerror or error}; check the path.") from error


def _lines(path: Path, header: str) -> Iterator[tuple[str, list[str]]]:
    with _opened(path) as file:
        for number in itertools.count(1):
            line = file.readline(_LINE_BYTES_MAX + 1)
            if not line:
                break
            place = f"{path.name}, line {number}"
            text = _text(place, line)
            if number == 1:
                if text != header:
                    raise FlowError(f"{place}: the header is {text!r}; it must be {header!r}.")
                continue
            if number > ROWS_MAX + 1:
                raise FlowError(f"{place}: a file has at most {ROWS_MAX:,} rows; split it.")
            fields = text.split(",")
            if len(fields) != header.count(",") + 1:
                raise FlowError(f"{place}: {len(fields)} fields; a row has {header!r}.")
            yield place, fields
        if number == 1:
            raise FlowError(f"{path.name} is empty; its first line must be {header!r}.")


def _text(place: str, line: bytes) -> str:
    if len(line) > _LINE_BYTES_MAX:
        raise FlowError(f"{place}: longer than {_LINE_BYTES_MAX} bytes; is this the right file?")
    try:
        return line.decode("ascii").rstrip("\r\n")
    except UnicodeDecodeError:
        raise FlowError(f"{place}: not plain ASCII text; is this the right file?") from None


def _flow_row(place: str, fields: list[str]) -> FlowRow:
    seq, op_name, flow_id, side_name, price, quantity = fields
    number = _whole(place, "seq", seq, 0, _SEQ_MAX)
    try:
        op = Op(op_name)
    except ValueError:
        raise FlowError(f"{place}: op {op_name!r} is none of {', '.join(Op)}.") from None
    if side_name not in _SIDES and not (op is Op.CANCEL and not side_name):
        raise FlowError(f"{place}: side {side_name!r} is neither B nor S.")
    if op is Op.CANCEL:
        return FlowRow(number, op, _flow_id(place, flow_id), _SIDES.get(side_name), None, None)
    if op is Op.MARKET_TO_LIMIT and price not in {"", "0"}:
        raise FlowError(f"{place}: an mtl order takes the market's price; leave its price 0.")
    return FlowRow(
        number,
        op,
        _flow_id(place, flow_id),
        _SIDES[side_name],
        None if op is Op.MARKET_TO_LIMIT else _whole(place, "price", price, 1, _CENTAVOS_MAX),
        _whole(place, "qty", quantity, 1, QUANTITY_MAX),
    )


def _flow_id(place: str, text: str) -> str:
    if not _ID.fullmatch(text):
        raise FlowError(
            f"{place}: id {text[:80]!r} must be 1 to {FLOW_ID_LENGTH_MAX} letters, digits, dots, dashes."
        )
    return text


def _whole(place: str, name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
        raise FlowError(f"{place}: {name} {text[:80]!r} must be a whole number from {least} to {most}.")
    return int(text)
