"""Downloads over HTTP: whole files of all rows, piece by piece, whatever a client or the database does."""

from __future__ import annotations

import csv
import io
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from msgspec import structs
from pyarrow import parquet
from sqlalchemy import select

from api import download as sending
from api.history import QueryTooLongError, downloads
from api.history.reading import History
from api.recorder.rows import Batch, BatchReader
from api.recorder.store import HistoryStore
from api.recorder.tables import executions, transactions
from api.services import DOWNLOADS_MAX, Services
from bench.history import trades
from engine.topics import BOOK
from tests.api.exchange import ME
from tests.api.people import stranger
from tests.api.random_market import random_exchange
from tests.api.serving import serving
from tests.kafka.waiting import until

ROWS = 1_003
MANY = 150_000


@pytest.fixture
def services(app: FastAPI) -> Services:
    """Give what the routes work with."""
    made = app.state.services
    assert isinstance(made, Services)
    return made


def record(services: Services, count: int) -> list[Any]:
    """Write seeded trades to the history; gives its rows, newest first."""
    store = HistoryStore(services.config.database_url)
    store.prepare()
    rows = [structs.astuple(row) for row in trades(count, symbols=5)]
    store.write(Batch(transactions=rows))
    with store.database.connect() as connection:
        newest_first = transactions.c["offset"].desc()
        found = list(connection.execute(select(transactions).order_by(newest_first)))
    store.close()
    return found


@pytest.fixture
async def server(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the application behind its real server."""
    async with (
        serving(app) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        yield client


async def parts(client: httpx.AsyncClient, path: str) -> list[bytes]:
    """Download; gives the parts as they came."""
    async with client.stream("GET", path) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert "content-length" not in answer.headers
        return [part async for part in answer.aiter_raw()]


async def test_a_csv_has_all_rows_of_the_database(
    server: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "PIECE_ROWS", 100)
    rows = record(services, ROWS)
    came = await parts(server, "/transactions?format=csv")
    assert len(came) > ROWS // 100 // 2
    lines = list(csv.DictReader(io.StringIO(b"".join(came).decode())))
    assert [
        (each["transaction_id"], each["symbol"], float(each["price"]), int(each["quantity"]))
        for each in lines
    ] == [(f"0-{row.offset}-{row.index}", row.symbol, row.price, row.quantity) for row in rows]
    assert [(each["taker_side"], int(each["time_ms"])) for each in lines] == [
        (row.taker_side, row.time_ms) for row in rows
    ]


async def test_a_parquet_file_has_all_rows_of_the_database(
    server: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "PIECE_ROWS", 100)
    rows = record(services, ROWS)
    file = parquet.ParquetFile(io.BytesIO(b"".join(await parts(server, "/transactions?format=parquet"))))
    assert file.metadata.num_row_groups == 11
    assert [tuple(row.values()) for row in file.read().to_pylist()] == [
        (f"0-{row.offset}-{row.index}", row.symbol, row.price, row.quantity, row.taker_side, row.time_ms)
        for row in rows
    ]
    some = await parts(server, "/transactions?format=parquet&side=buy&limit=50")
    wanted = [row for row in rows if row.taker_side == "buy"][:50]
    found = parquet.read_table(io.BytesIO(b"".join(some)))["time_ms"].to_pylist()
    assert found == [row.time_ms for row in wanted]


async def test_ones_own_trades_are_ones_own(
    app: FastAPI, client: httpx.AsyncClient, services: Services
) -> None:
    exchange = random_exchange(7, 150)
    store = HistoryStore(services.config.database_url)
    store.prepare()
    store.write(BatchReader().batch([record for record in exchange.records if record.topic != BOOK]))
    with store.database.connect() as connection:
        identity = [executions.c[name].desc() for name in ("shard", "offset", "index")]
        mine = connection.execute(
            select(executions)
            .where(executions.c.investor_id == ME, executions.c.transaction_id.is_not(None))
            .order_by(*identity)
        ).all()
    store.close()
    expected = [
        (row.transaction_id, row.order_id, row.side, row.last_price, row.last_quantity) for row in mine
    ]
    assert len(expected) > 10
    page = (await client.get("/transactions?mine=true&limit=1000")).json()
    names = ("transaction_id", "order_id", "side", "price", "quantity")
    assert [tuple(each[name] for name in names) for each in page["transactions"]] == expected
    raw = (await client.get("/transactions?mine=true&format=parquet")).content
    rows = parquet.read_table(io.BytesIO(raw)).to_pylist()
    assert [tuple(each[name] for name in names) for each in rows] == expected
    text = (await client.get("/transactions?mine=true&format=csv&side=buy")).text
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [(each["transaction_id"], each["order_id"]) for each in lines] == [
        each[:2] for each in expected if each[2] == "buy"
    ]
    async with stranger(app) as nobody:
        for kind in ("json", "csv", "parquet"):
            assert (await nobody.get(f"/transactions?mine=true&format={kind}")).status_code == 401


async def test_clients_that_never_read_are_cut_off_and_others_are_served(
    server: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SEND_TIMEOUT_S", 0.5)
    record(services, MANY)
    idle = [_never_reading(server.base_url.port or 0) for _ in range(DOWNLOADS_MAX)]
    await until(services.downloads.locked, "all places are taken")
    busy = await server.get("/transactions?format=csv&limit=10")
    assert (busy.status_code, busy.json()["reason"]) == (503, "busy")
    assert (await server.get("/health")).status_code == 200
    await until(lambda: not services.downloads.locked(), "a place is free again")
    lines = b"".join(await parts(server, "/transactions?format=csv")).count(b"\n")
    assert lines == MANY + 1
    for each in idle:
        each.close()


def _never_reading(port: int) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.connect(("127.0.0.1", port))
    client.sendall(b"GET /transactions?format=csv HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    return client


async def test_a_database_that_hangs_in_the_middle_ends_the_download_and_it_is_not_whole(
    server: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "PIECE_ROWS", 100)
    monkeypatch.setattr(downloads, "PIECE_MAX_S", 0.3)
    monkeypatch.setattr("api.history.reading._STEPS_BETWEEN_LOOKS", 100)
    record(services, ROWS)
    pieces = 0
    whole = downloads.query

    def hanging(*args: Any, **options: Any) -> Any:
        nonlocal pieces
        pieces += 1
        if pieces > 3:
            args[0].exec_driver_sql(
                "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
            )
        return whole(*args, **options)

    monkeypatch.setattr(downloads, "query", hanging)
    with pytest.raises(httpx.RemoteProtocolError):
        await parts(server, "/transactions?format=csv")
    await until(lambda: not services.downloads.locked(), "the place is free")
    pieces = -1_000
    assert b"".join(await parts(server, "/transactions?format=csv")).count(b"\n") == ROWS + 1


def test_a_hanging_piece_of_postgresql_is_ended(postgresql_server: str) -> None:
    history = History(postgresql_server)
    with pytest.raises(QueryTooLongError), history.snapshot(seconds_max=0.2) as connection:
        connection.exec_driver_sql("SELECT pg_sleep(60)")
    history.close()


async def test_head_has_the_head_of_get_and_ends_streams_and_downloads_with_it(
    server: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "PIECE_ROWS", 100)
    record(services, ROWS)
    read: list[None] = []
    snapshot = History.snapshot

    def counted(self: History, *, seconds_max: float | None = None) -> Any:
        read.append(None)
        return snapshot(self, seconds_max=seconds_max)

    monkeypatch.setattr(History, "snapshot", counted)
    for path in ("/health", "/assets", "/nowhere", "/orders", "/transactions?symbol=NEVER3"):
        wanted, told = await server.get(path), await server.head(path)
        assert (told.status_code, told.content) == (wanted.status_code, b"")
        assert told.headers["content-length"] == wanted.headers["content-length"]
    read.clear()
    for _ in range(DOWNLOADS_MAX + 1):
        download = await server.head("/transactions?format=csv")
        assert (download.status_code, download.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    # Of eleven pieces the one that the head waits for, and a look or two besides.
    assert len(read) <= 3 * (DOWNLOADS_MAX + 1)
    stream = await server.head("/stream?symbols=PETR4")
    assert (stream.status_code, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    refused = await server.head("/auth/token")
    assert refused.status_code == 405
    assert (await server.get("/health")).status_code == 200
