"""The market's topics as DataFrames, one function each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pandas as pd

from engine.identity import SeenBooks, SeenOutputs
from engine.log import LogRecord
from engine.topics import ACCOUNTS, BOOK, EXECUTIONS, ORDERS, TRANSACTIONS
from engine.wire.commands import decode_command
from engine.wire.records import (
    ExecutionReport,
    Transaction,
    decode_account,
    decode_book,
    decode_execution,
    decode_transaction,
)
from homebroker.research.arguments import Since, check_investor, check_limit, check_symbol, since_ms
from homebroker.research.blocking import run_blocking
from homebroker.research.errors import UnreadableRecordError
from homebroker.research.reading import Request, Table, read_table
from homebroker.research.rows import (
    AccountRow,
    BookRow,
    CommandRow,
    LoggedCommand,
    account_rows,
    book_rows,
    command_row,
)
from homebroker.settings import Settings

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def transactions(
    symbol: str | None = None, *, since: Since | None = None, limit: int | None = None
) -> pd.DataFrame:
    """Read the tape: one row a trade, oldest first, indexed by UTC time.

    Parameters
    ----------
    symbol : str, optional
        Only this symbol's trades.
    since : str, int or datetime, optional
        Only trades from then on: an age ("30m", "1h", "2d"), a time with its zone, or UTC milliseconds.
    limit : int, optional
        At most so many rows, the newest.

    Returns
    -------
    DataFrame
        The topic's fields as columns; `price` float64, `quantity` int64.

    Raises
    ------
    NoMarketError
        When no market answers; says where it was looked for and how to start one.
    """
    check_symbol(symbol)
    return _read(TABLES[TRANSACTIONS], since, limit, {"symbol": symbol})


def executions(
    investor_id: str | None = None,
    *,
    symbol: str | None = None,
    since: Since | None = None,
    limit: int | None = None,
) -> pd.DataFrame:
    """Read the execution reports: one row for each change of an order, refusals included.

    Takes and raises the same as `transactions`, with an investor to choose as well.
    """
    check_investor(investor_id)
    check_symbol(symbol)
    return _read(TABLES[EXECUTIONS], since, limit, {"investor_id": investor_id, "symbol": symbol})


def orders(
    investor_id: str | None = None,
    *,
    symbol: str | None = None,
    since: Since | None = None,
    limit: int | None = None,
) -> pd.DataFrame:
    """Read the commands that were sent, of every kind, as the engine understands them.

    One row a command; what its kind has no field for is missing. Records that are no command are there as
    `malformed`, with what is wrong in `message`. All of it, from the beginning, can be given to `replay`.
    Times are those that the senders gave. Takes and raises the same as `executions`.
    """
    check_investor(investor_id)
    check_symbol(symbol)
    return _read(TABLES[ORDERS], since, limit, {"investor_id": investor_id, "symbol": symbol})


def accounts(
    investor_id: str | None = None, *, since: Since | None = None, limit: int | None = None
) -> pd.DataFrame:
    """Read the accounts' balances after each change.

    One row for each position that a command changed, beside the account's cash; a change of cash alone is
    one row without a symbol. Takes and raises the same as `transactions`, with an investor to choose.
    """
    check_investor(investor_id)
    return _read(TABLES[ACCOUNTS], since, limit, {"investor_id": investor_id})


def book(symbol: str | None = None, *, since: Since | None = None, limit: int | None = None) -> pd.DataFrame:
    """Read the changes of the order books: one row a price level, as it is after the change.

    `quantity` is what rests there then, 0 for a level that is gone. Rows with `snapshot` tell a whole book,
    which replaces all before. Takes and raises the same as `transactions`.
    """
    check_symbol(symbol)
    return _read(TABLES[BOOK], since, limit, {"symbol": symbol})


def decode_orders(records: Sequence[LogRecord]) -> list[LoggedCommand]:
    """Read records of `orders` the way the engine does."""
    return [
        LoggedCommand(offset=record.offset, time_ms=record.time_ms, command=decode_command(record.value))
        for record in records
    ]


def _read(
    table: Table, since: Since | None, limit: int | None, wanted: dict[str, str | None]
) -> pd.DataFrame:
    check_limit(limit)
    request = Request(
        since_ms=None if since is None else since_ms(since, now_ms=time.time_ns() // 1_000_000),
        limit=limit,
        matches=_matcher({name: value for name, value in wanted.items() if value is not None}),
    )
    return run_blocking(read_table(Settings().connection, table, request))


def _matcher(wanted: dict[str, str]) -> Callable[[Any], bool] | None:
    if not wanted:
        return None

    def matches(record: Any) -> bool:
        said = record.command if isinstance(record, LoggedCommand) else record
        return all(getattr(said, name, None) == value for name, value in wanted.items())

    return matches


def _decoder(topic: str, decode: Callable[[bytes], Any]) -> Callable[[Sequence[LogRecord]], list[Any]]:
    def decode_all(records: Sequence[LogRecord]) -> list[Any]:
        try:
            return [decode(record.value or b"") for record in records]
        except _UNREADABLE:
            # Found only now, record by record, because this loop is what millions of rows wait for.
            raise _unreadable(topic, decode, records) from None

    return decode_all


def _unreadable(
    topic: str, decode: Callable[[bytes], Any], records: Sequence[LogRecord]
) -> UnreadableRecordError:
    for record in records:
        try:
            decode(record.value or b"")
        except _UNREADABLE as error:
            return UnreadableRecordError(topic, record.offset, str(error))
    raise AssertionError("one of the records could not be decoded")


def _seen_outputs() -> Callable[[Any], bool]:
    return SeenOutputs().is_new


def _seen_books() -> Callable[[Any], bool]:
    return SeenBooks().is_new


def _never_repeated() -> Callable[[Any], bool]:
    return lambda _command: True


TABLES: dict[str, Table] = {
    table.topic: table
    for table in (
        Table(
            topic=TRANSACTIONS,
            decode=_decoder(TRANSACTIONS, decode_transaction),
            seen=_seen_outputs,
            row_type=Transaction,
        ),
        Table(
            topic=EXECUTIONS,
            decode=_decoder(EXECUTIONS, decode_execution),
            seen=_seen_outputs,
            row_type=ExecutionReport,
        ),
        Table(
            topic=ACCOUNTS,
            decode=_decoder(ACCOUNTS, decode_account),
            seen=_seen_outputs,
            row_type=AccountRow,
            expand=account_rows,
        ),
        Table(
            topic=BOOK,
            decode=_decoder(BOOK, decode_book),
            seen=_seen_books,
            row_type=BookRow,
            expand=book_rows,
        ),
        Table(
            topic=ORDERS,
            decode=decode_orders,
            seen=_never_repeated,
            row_type=CommandRow,
            expand=lambda logged: (command_row(logged),),
        ),
    )
}
