"""The array flow: one seeded stream as the kernel's rows, as records of `orders`, and as a file for peers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.generator import Column, Count, PlainKind, generate
from engine.domain import UNITS_PER_CURRENCY, Command, Deposit, ListAsset, OpenAccount
from engine.kernel import words
from engine.kernel.compile import compiled
from engine.kernel.fingerprint import fingerprint
from engine.kernel.layout import COMMAND, HOUSE, NONE, CommandKind
from engine.kernel.octets import SLACK

Array: TypeAlias = npt.NDArray[Any]

INVESTORS: Final = 1_000
RESTING: Final = 5_000
TICK_UNITS: Final = 100
_REFERENCE_TICKS: Final = 4_000
CASH_UNITS: Final = 10**9 * UNITS_PER_CURRENCY
"""More than an account can need for all that a stream holds open and trades in one direction."""

SHARES: Final = 10**7
"""As many, of each symbol."""

_MAKER_FEE_PPM: Final = 100
_TAKER_FEE_PPM: Final = 300

# Texts of one width, so that a row's place in the text follows from its number.
_ORDER_DIGITS, _INVESTOR_DIGITS, _SYMBOL_DIGITS = 10, 4, 3
_ORDER_ID: Final = "b-%010d"
_INVESTOR: Final = "bench-%04d"
_SYMBOL: Final = "BENCH%03d"
_ID_LENGTH: Final = len(_ORDER_ID % 0)
_INVESTOR_LENGTH: Final = len(_INVESTOR % 0)
_SYMBOL_LENGTH: Final = len(_SYMBOL % 0)
_TEXT_LENGTH: Final = _ID_LENGTH + _INVESTOR_LENGTH + _SYMBOL_LENGTH


class Facts(NamedTuple):
    """What is true of a stream, from the generator's own book."""

    trades: int
    traded_quantity: int
    resting_mean: float
    limits_that_trade: float


class Stream(NamedTuple):
    """A seeded stream of commands.

    `plain` has shape (n, 8), int64, in little-endian order; its columns are `bench.generator.Column`.
    """

    plain: Array
    symbols: int
    facts: Facts

    def write(self, path: Path) -> None:
        """Write the plain rows as they are, for a program in any language."""
        self.plain.astype("<i8", copy=False).tofile(path)


def stream(
    count: int, *, symbols: int = 1, investors: int = INVESTORS, resting: int = RESTING, seed: int = 1
) -> Stream:
    """Make commands: 55% limit orders, a third trading, 35% cancels, 5% amends, 5% ioc and market.

    First come orders that rest, until `resting` do. Every cancel and amend is of an order that is open; half
    of the amends make an order smaller, half move its price.

    Parameters
    ----------
    count : int
        Commands to make; some 7 million a second.
    symbols : int
        Symbols of `stream_opening` to spread them over, by Zipf's law.
    investors : int
        Accounts of `stream_opening` to spread them over, evenly.
    resting : int
        Open orders, in all symbols together, that the stream builds up and then stays near.
    seed : int
        The same seed gives the same commands.
    """
    shares = 1 / np.arange(1, symbols + 1)
    zipf = np.cumsum(shares / shares.sum())
    zipf[-1] = 1.0
    plain = np.zeros((count, len(Column)), np.int64)
    counts = generate(plain, zipf, investors, resting, seed)
    return Stream(
        plain,
        symbols,
        Facts(
            trades=int(counts[Count.TRADES]),
            traded_quantity=int(counts[Count.TRADED_QUANTITY]),
            resting_mean=float(counts[Count.RESTING_SUM] / count),
            limits_that_trade=float(counts[Count.LIMITS_TRADED] / max(counts[Count.LIMITS], 1)),
        ),
    )


def stream_opening(
    *, symbols: int = 1, investors: int = INVESTORS, unlimited: bool = False, fees: bool = False
) -> list[Command]:
    """List the symbols and open the accounts of a stream, with money and shares; rows are in this order."""
    listings = [
        ListAsset(
            symbol=_SYMBOL % number,
            name=_SYMBOL % number,
            tick_size_units=TICK_UNITS,
            lot_size=1,
            reference_price_units=_REFERENCE_TICKS * TICK_UNITS,
            maker_fee_ppm=_MAKER_FEE_PPM if fees else 0,
            taker_fee_ppm=_TAKER_FEE_PPM if fees else 0,
        )
        for number in range(symbols)
    ]
    names = [_INVESTOR % number for number in range(investors)]
    return [
        *listings,
        *(OpenAccount(investor_id=name, unlimited=unlimited) for name in names),
        *(Deposit(investor_id=name, cash_units=CASH_UNITS) for name in names),
        *(
            Deposit(investor_id=name, symbol=listing.symbol, quantity=SHARES)
            for listing in listings
            for name in names
        ),
    ]


def command_rows(
    made: Stream, *, first_offset: int, time_ms: int, day_orders: bool = False
) -> tuple[Array, Array]:
    """Give a stream as the kernel's rows and their text, as reading the records would have made them.

    Parameters
    ----------
    made : Stream
        What to convert.
    first_offset : int
        The first row's offset; the others follow.
    time_ms : int
        The time of them all.
    day_orders : bool
        Whether what may rest is `day`, which the market must be ready to expire, instead of `gtc`.

    Returns
    -------
    rows : ndarray of COMMAND, shape (n,)
    text : ndarray of uint8, shape (n × 30 + SLACK,)
    """
    plain = made.plain
    kind = plain[:, Column.KIND]
    is_new = kind <= PlainKind.MARKET
    rows = np.zeros(len(plain), COMMAND)
    rows["offset"] = first_offset + np.arange(len(plain))
    rows["time_ms"] = time_ms
    rows["account"] = HOUSE + 1 + plain[:, Column.INVESTOR]
    rows["asset"] = np.where(is_new, plain[:, Column.SYMBOL], NONE)
    rows["price"] = plain[:, Column.PRICE] * TICK_UNITS
    rows["quantity"] = np.where(is_new, plain[:, Column.QUANTITY], plain[:, Column.TOTAL])
    rows["text"] = np.arange(len(plain)) * _TEXT_LENGTH
    rows["id_length"] = _ID_LENGTH
    rows["investor_length"] = _INVESTOR_LENGTH
    rows["symbol_length"] = np.where(is_new, _SYMBOL_LENGTH, 0)
    kinds = np.array([CommandKind.PLACE] * 3 + [CommandKind.CANCEL] + [CommandKind.AMEND] * 2, np.uint8)
    rows["kind"] = kinds[kind]
    rows["side"] = np.where(is_new & (plain[:, Column.SIDE] == 1), words.SELL, words.BUY)
    lasting = words.DAY if day_orders else words.GTC
    rows["type"] = np.array([words.LIMIT, words.LIMIT, words.MARKET, 0, 0, 0], np.uint8)[kind]
    rows["time_in_force"] = np.array([lasting, words.IOC, words.IOC, 0, 0, 0], np.uint8)[kind]
    rows["self_trade"] = np.where(is_new, words.NO_PREVENTION, 0)
    text = _texts(plain)
    _fill_fingerprints(rows, text)
    return rows, text


def records(made: Stream) -> Iterator[bytes]:
    """Give a stream as records of `orders`; about a microsecond each."""
    for kind, symbol, order, investor, side, price, quantity, total in made.plain.tolist():
        names = (order, investor)
        if kind <= PlainKind.MARKET:
            placed = (*names, symbol, "sell" if side else "buy", quantity)
            cents = () if kind == PlainKind.MARKET else divmod(price, 100)
            text = _NEW_RECORD[kind] % (*placed, *cents)
        elif kind == PlainKind.CANCEL:
            text = _CANCEL_RECORD % names
        elif kind == PlainKind.REDUCE:
            text = _REDUCE_RECORD % (*names, total)
        else:
            text = _MOVE_RECORD % (*names, *divmod(price, 100))
        yield text.encode()


_NAMES: Final = f'"order_id":"{_ORDER_ID}","investor_id":"{_INVESTOR}"'
_PLACE: Final = (
    f'{{"command":"place",{_NAMES},"symbol":"{_SYMBOL}","side":"%s","quantity":%d,"self_trade":"none"'
)
_NEW_RECORD: Final = {
    PlainKind.LIMIT: _PLACE + ',"price":%d.%02d,"time_in_force":"gtc"}',
    PlainKind.IMMEDIATE: _PLACE + ',"price":%d.%02d,"time_in_force":"ioc"}',
    PlainKind.MARKET: _PLACE + ',"type":"market","time_in_force":"ioc"}',
}
_CANCEL_RECORD: Final = f'{{"command":"cancel",{_NAMES}}}'
_REDUCE_RECORD: Final = f'{{"command":"amend",{_NAMES},"quantity":%d}}'
_MOVE_RECORD: Final = f'{{"command":"amend",{_NAMES},"price":%d.%02d}}'


def _texts(plain: Array) -> Array:
    padded = np.zeros(len(plain) * _TEXT_LENGTH + SLACK, np.uint8)
    texts = padded[:-SLACK].reshape(-1, _TEXT_LENGTH)
    texts[:] = np.frombuffer((_ORDER_ID % 0 + _INVESTOR % 0 + _SYMBOL % 0).encode(), np.uint8)
    ends = np.cumsum([_ID_LENGTH, _INVESTOR_LENGTH, _SYMBOL_LENGTH])
    digits = (_ORDER_DIGITS, _INVESTOR_DIGITS, _SYMBOL_DIGITS)
    columns = (Column.ORDER, Column.INVESTOR, Column.SYMBOL)
    for end, count, column in zip(ends, digits, columns, strict=True):
        rest = plain[:, column].astype(np.int32)
        for place in range(1, count + 1):
            texts[:, end - place] += (rest % 10).astype(np.uint8)
            rest //= 10
    return padded


@compiled
def _fill_fingerprints(rows: Any, text: Any) -> None:
    for row in rows:
        row.id_low, row.id_high = fingerprint(text, row.text, row.id_length)
