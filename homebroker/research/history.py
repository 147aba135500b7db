"""`hb.history`: SQL on the recorder's database, which it cannot change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from homebroker.research.errors import HistoryError
from homebroker.research.frames import Kind, check_kind, given_frame
from homebroker.settings import Settings

ROWS_MAX: Final = 5_000_000
_TIMEOUT_S: Final = 5


def history(
    sql: str, parameters: Mapping[str, Any] | None = None, *, rows_max: int = 1_000_000, to: Kind = "pandas"
) -> Any:
    """Ask the recorder's database, read-only.

    Parameters
    ----------
    sql : str
        One statement that gives rows, with `:name` where a parameter goes.
    parameters : mapping, optional
        Their values.
    rows_max : int
        More rows than that are an error, at most 5,000,000.
    to : str
        "pandas", "arrow" or "polars".

    Returns
    -------
    DataFrame
        A column for each of the statement's.

    Raises
    ------
    HistoryError
        When there is no such database, the statement is wrong or would change something, or gives too many
        rows; says what to do.

    Examples
    --------
    >>> hb.history("select symbol, count(*) as trades from transactions group by symbol")  # doctest: +SKIP
    """
    check_kind(to)
    if not isinstance(sql, str) or not sql.strip():
        raise ValueError("sql is empty; give a statement, for example: select * from transactions limit 10.")
    if not (isinstance(rows_max, int) and not isinstance(rows_max, bool) and 1 <= rows_max <= ROWS_MAX):
        raise ValueError(f"rows_max={rows_max!r} must be a whole number from 1 to {ROWS_MAX:,}.")
    url = make_url(Settings().resolved_database_url)
    _check_there(url)
    engine = _read_only(url)
    try:
        frame = _asked(engine, sql, dict(parameters or {}), rows_max)
    finally:
        engine.dispose()
    return given_frame(frame, to)


def _asked(engine: Engine, sql: str, parameters: dict[str, Any], rows_max: int) -> pd.DataFrame:
    try:
        with engine.connect() as connection:
            result = connection.execute(text(sql), parameters)
            if not result.returns_rows:
                raise HistoryError("The statement gives no rows; hb.history only reads: begin with select.")
            rows = result.fetchmany(rows_max + 1)
            names = list(result.keys())
    except SQLAlchemyError as error:
        why = str(error.orig if isinstance(error, DBAPIError) else error).strip().splitlines()[0]
        raise HistoryError(f"The history cannot answer: {why}.") from error
    if len(rows) > rows_max:
        raise HistoryError(f"The answer has more than {rows_max:,} rows; ask for fewer or raise rows_max.")
    return pd.DataFrame.from_records([tuple(row) for row in rows], columns=names)


def _check_there(url: URL) -> None:
    database = url.database
    if url.get_backend_name() == "sqlite" and database and not Path(database).is_file():
        raise HistoryError(
            f"There is no history at {database}. Start a market, which records one, with `make run`, or name "
            "its database in the environment variable HOMEBROKER_DATABASE_URL."
        )


def _read_only(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": _TIMEOUT_S})

        @event.listens_for(engine, "connect")
        def _only_queries(connection: Any, _record: Any) -> None:
            connection.execute("pragma query_only = on")

        return engine
    options = {
        "connect_timeout": _TIMEOUT_S,
        "options": "-c default_transaction_read_only=on",
        # A statement that is prepared is one; several could begin a transaction that writes.
        "prepare_threshold": 0,
    }
    return create_engine(url, connect_args=options)
