"""The market's topics as tables, one function each."""

from __future__ import annotations

from typing import Any

from engine.identity import SeenOutputs
from engine.topics import ACCOUNTS, ASSETS, BOOK, EXECUTIONS, ORDERS, TRANSACTIONS
from engine.wire.records import (
    AssetRecord,
    ExecutionReport,
    Transaction,
    decode_account,
    decode_asset,
    decode_book,
    decode_execution,
    decode_transaction,
)
from homebroker.research.arguments import (
    Since,
    bounds_ms,
    check_counts,
    check_investor,
    check_symbol,
)
from homebroker.research.blocking import run_blocking
from homebroker.research.frames import Kind, check_kind, given
from homebroker.research.pieces import CommandPieces, OutputPieces, ValuePieces, seen_books
from homebroker.research.reading import Request, Topic, read_table
from homebroker.research.rows import AccountRow, BookRow, account_rows, book_rows
from homebroker.settings import Settings

TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic(name=TRANSACTIONS, pieces=lambda: OutputPieces(TRANSACTIONS, Transaction, decode_transaction)),
        Topic(name=EXECUTIONS, pieces=lambda: OutputPieces(EXECUTIONS, ExecutionReport, decode_execution)),
        Topic(
            name=ACCOUNTS,
            pieces=lambda: ValuePieces(
                ACCOUNTS, AccountRow, decode_account, SeenOutputs().is_new, account_rows
            ),
        ),
        Topic(name=BOOK, pieces=lambda: ValuePieces(BOOK, BookRow, decode_book, seen_books(), book_rows)),
        Topic(
            name=ASSETS,
            pieces=lambda: ValuePieces(
                ASSETS, AssetRecord, decode_asset, SeenOutputs().is_new, lambda asset: (asset,)
            ),
        ),
        Topic(name=ORDERS, pieces=CommandPieces),
    )
}


def transactions(
    symbol: str | None = None,
    *,
    since: Since | None = None,
    until: Since | None = None,
    limit: int | None = None,
    first: int | None = None,
    to: Kind = "pandas",
    progress: bool = True,
) -> Any:
    """Read the tape: one row a trade, oldest first, indexed by UTC time.

    Parameters
    ----------
    symbol : str, optional
        Only this symbol's trades.
    since, until : str, int or datetime, optional
        Only trades from then on, and before then: an age ("30m", "1h", "2d"), a time with its zone, or UTC
        milliseconds.
    limit : int, optional
        At most so many rows, the newest.
    first : int, optional
        At most so many rows, the oldest; not together with `limit`.
    to : str
        "pandas", "arrow" or "polars"; the latter two have `time_ms` as a column.
    progress : bool
        Whether a read that takes longer than a moment shows a bar.

    Returns
    -------
    DataFrame
        The topic's fields as columns; `price` float64, `quantity` int64.

    Raises
    ------
    NoMarketError
        When no market answers; says where it was looked for and how to start one.
    UnreadableRecordError
        When the topic holds what no engine wrote; says at which offset.
    """
    check_symbol(symbol)
    return _read(TRANSACTIONS, {"symbol": symbol}, since, until, limit, first, to, progress)


def executions(
    investor_id: str | None = None,
    *,
    symbol: str | None = None,
    since: Since | None = None,
    until: Since | None = None,
    limit: int | None = None,
    first: int | None = None,
    to: Kind = "pandas",
    progress: bool = True,
) -> Any:
    """Read the execution reports: one row for each change of an order, refusals included.

    Takes and raises the same as `transactions`, with an investor to choose as well.
    """
    check_investor(investor_id)
    check_symbol(symbol)
    wanted = {"investor_id": investor_id, "symbol": symbol}
    return _read(EXECUTIONS, wanted, since, until, limit, first, to, progress)


def orders(
    investor_id: str | None = None,
    *,
    symbol: str | None = None,
    since: Since | None = None,
    until: Since | None = None,
    limit: int | None = None,
    first: int | None = None,
    to: Kind = "pandas",
    progress: bool = True,
) -> Any:
    """Read the commands that were sent, of every kind, as the engine understands them.

    One row a command; what its kind has no field for is missing. Records that are no command are there as
    `malformed`, with what is wrong in `message`. All of it, from the beginning, can be given to `replay`;
    `load_log` reads it faster. Times are those that the senders gave. Takes and raises the same as
    `executions`.
    """
    check_investor(investor_id)
    check_symbol(symbol)
    wanted = {"investor_id": investor_id, "symbol": symbol}
    return _read(ORDERS, wanted, since, until, limit, first, to, progress)


def accounts(
    investor_id: str | None = None,
    *,
    since: Since | None = None,
    until: Since | None = None,
    limit: int | None = None,
    first: int | None = None,
    to: Kind = "pandas",
    progress: bool = True,
) -> Any:
    """Read the accounts' balances after each change.

    One row for each position that a command changed, beside the account's cash; a change of cash alone is
    one row without a symbol. Takes and raises the same as `transactions`, with an investor to choose.
    """
    check_investor(investor_id)
    return _read(ACCOUNTS, {"investor_id": investor_id}, since, until, limit, first, to, progress)


def book(
    symbol: str | None = None,
    *,
    since: Since | None = None,
    until: Since | None = None,
    limit: int | None = None,
    first: int | None = None,
    to: Kind = "pandas",
    progress: bool = True,
) -> Any:
    """Read the changes of the order books: one row a price level, as it is after the change.

    `quantity` is what rests there then, 0 for a level that is gone. Rows with `snapshot` tell a whole book,
    which replaces all before. `book_at` gives a book as it stood at a time. Takes and raises the same as
    `transactions`.
    """
    check_symbol(symbol)
    return _read(BOOK, {"symbol": symbol}, since, until, limit, first, to, progress)


def assets(symbol: str | None = None, *, to: Kind = "pandas") -> Any:
    """Read what is listed: one row an asset, as it now is, indexed by the time of its last change.

    Raises the same as `transactions`.
    """
    check_symbol(symbol)
    check_kind(to)
    wanted = {} if symbol is None else {"symbol": symbol}
    table = run_blocking(read_table(Settings().connection, TOPICS[ASSETS], Request(wanted=wanted)))
    # Compaction leaves a symbol's newest record, and older ones until it comes by.
    newest = {name: row for row, name in enumerate(table.column("symbol").to_pylist())}
    return given(table.take(sorted(newest.values())), to)


def _read(  # noqa: PLR0917 - every function of this module passes all of them on
    topic: str,
    wanted: dict[str, str | None],
    since: Since | None,
    until: Since | None,
    limit: int | None,
    first: int | None,
    to: Kind,
    progress: bool,
) -> Any:
    check_counts(limit, first)
    check_kind(to)
    since_ms, until_ms = bounds_ms(since, until)
    request = Request(
        since_ms=since_ms,
        until_ms=until_ms,
        limit=limit,
        first=first,
        wanted={name: value for name, value in wanted.items() if value is not None},
    )
    table = run_blocking(read_table(Settings().connection, TOPICS[topic], request, progress=progress))
    return given(table, to)
