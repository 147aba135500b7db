"""A real PostgreSQL for tests, in a temporary directory on loopback."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from bench.postgresql import NoPostgresqlError, Postgresql, postgresql_server
from tests.market import free_ports


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Run one for as long as the context lasts, or skip; gives its URL for SQLAlchemy."""
    with stoppable_postgresql() as server:
        yield server.url


@contextmanager
def stoppable_postgresql() -> Iterator[Postgresql]:
    """Run one for as long as the context lasts, or skip."""
    try:
        with postgresql_server(free_ports(1), flushed=False) as server:
            yield server
    except NoPostgresqlError as error:
        pytest.skip(str(error))


@contextmanager
def empty_database(server: str) -> Iterator[str]:
    """Make a database on a server for as long as the context lasts; gives its URL."""
    name = f"test_{secrets.token_hex(6)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
