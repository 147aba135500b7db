"""What all tests share. The market's fixtures are described in `tests/market.py`.

A test that needs something this machine lacks (Chromium, the network) skips with the reason. Where
HOMEBROKER_TEST_REQUIRE_ALL=1, as in CI, such a skip is a failure; only a reason that begins with
"not asked for" (a soak, say) stays a skip.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from engine.log import Connection
from homebroker.broker.jars import default_cache, fetch_jars, locked_jars
from homebroker.errors import StartError
from homebroker.settings import Settings
from tests.market import Market, RunningBroker, empty_topics, market_settings
from tests.postgresql import empty_database, running_postgresql

_OPTIONAL = "not asked for"
_REQUIRE_ALL = os.environ.get("HOMEBROKER_TEST_REQUIRE_ALL") == "1"


def pytest_configure(config: pytest.Config) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    for name in list(os.environ):
        if name.startswith("HOMEBROKER_") and not name.startswith("HOMEBROKER_TEST_"):
            del os.environ[name]
    Settings.model_config["env_file"] = None
    # How long an example takes says something of the machine, and nothing of the code.
    settings.register_profile("any_machine", parent=settings.default, deadline=None)
    settings.load_profile("any_machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files with a market first, and of the others those with many tests.

    A worker takes the next file when it is done with one. What takes minutes must not be what is left when
    the other workers have nothing to do any more.
    """
    tests = Counter(item.path for item in items)
    with_market = {item.path for item in items if item.get_closest_marker("kafka")}
    items.sort(key=lambda item: (item.path not in with_market, -tests[item.path]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Make a skip for a missing part a failure where nothing may be missing."""
    report = yield
    if _REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if _OPTIONAL not in reason:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} was skipped, and HOMEBROKER_TEST_REQUIRE_ALL is 1: {reason}"
    return report


@pytest.fixture(scope="session")
def kafka_jars() -> None:
    """See that Kafka's jars are in the cache, or skip."""
    try:
        fetch_jars(default_cache(), locked_jars(), lambda _here, _all: None)
    except StartError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def broker(kafka_jars: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """Run one real Kafka for the session."""
    running = RunningBroker(tmp_path_factory.mktemp("broker"))
    yield running
    running.stop()


@pytest.fixture
def market(broker: RunningBroker, tmp_path: Path) -> Market:
    """Give an empty market on the session's broker."""
    empty_topics(broker.connection)
    settings = market_settings(tmp_path, kafka_bootstrap_servers=broker.connection.bootstrap_servers)
    return Market(settings=settings, connection=broker.connection)


@pytest.fixture
def connection(market: Market) -> Connection:
    """Give the connection to an empty market."""
    return market.connection


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Give the URL of a PostgreSQL: HOMEBROKER_TEST_DATABASE_URL, or one that runs for the session."""
    given = os.environ.get("HOMEBROKER_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with running_postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a database with nothing in it, of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'deep' / 'history.sqlite'}"
        return
    with empty_database(request.getfixturevalue("postgresql_server")) as url:
        yield url
