"""The API's start on a long history: with the database, beside reading the whole log.

The market is written into Kafka as an engine would write it, and into the database by the recorder itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import httpx

from bench.live_market import write_market
from bench.postgresql import NoPostgresqlError, own_postgresql
from bench.processes import Measured, recorder_process, starting_api
from bench.report import Figure, print_figures
from homebroker.broker.temporary import temporary_broker
from homebroker.ports import free_port
from homebroker.settings import Settings

_POLL_S: Final = 0.01
_READY_TIMEOUT_S: Final = 1_800.0
_SETTLE_S: Final = 2.0


class _Start(NamedTuple):
    ready_s: float
    processor_s: float
    resident_bytes: int


def run(*, trades: int, starts: int, whole: bool, folder: Path | None) -> None:
    """Measure and print.

    Parameters
    ----------
    whole : bool
        Whether a start that reads the whole log is measured too: minutes.
    folder : Path, optional
        Where the market is kept for the next time; one that is there already is taken as it is.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with temporary_broker() as settings:
        empty = [_measured(settings, "") for _ in range(starts)]
    with temporary_broker(kept=folder) as settings:
        asyncio.run(write_market(settings, trades=trades))
        figures = _figures("no history at all", empty)
        for name in ("SQLite", "PostgreSQL"):
            try:
                with _recorded(settings, name) as url:
                    figures += _figures(name, [_measured(settings, url) for _ in range(starts)])
            except NoPostgresqlError as error:
                print(f"{name} is left out: {error}")
        if whole:
            nowhere = f"sqlite:///{settings.data_dir}/nothing.sqlite"
            figures += _figures("the whole log", [_measured(settings, nowhere)])
    print_figures(f"start of the API with {trades:,} trades of history, medians of {starts}", figures)


def _figures(name: str, starts: list[_Start]) -> list[Figure]:
    return [
        Figure(f"{name}: from the process to ready", median(each.ready_s for each in starts), "s"),
        Figure(f"{name}: processor time", median(each.processor_s for each in starts), "s"),
        Figure(f"{name}: memory", median(each.resident_bytes for each in starts) / 1e6, "MB"),
    ]


@contextmanager
def _recorded(settings: Settings, name: str) -> Iterator[str]:
    """Let the recorder write all to a database; gives its URL."""
    if name == "SQLite":
        url = f"sqlite:///{settings.data_dir}/history.sqlite"
        _record(settings, url)
        yield url
        return
    with own_postgresql(free_port(), flushed=False) as url:
        _record(settings, url)
        yield url


def _record(settings: Settings, url: str) -> None:
    # A recorder says that it is ready when it has caught up.
    with recorder_process(settings.model_copy(update={"database_url": url})):
        pass


def _measured(settings: Settings, url: str) -> _Start:
    settings = settings.model_copy(update={"database_url": url, "api_port": free_port()})
    start_s = time.perf_counter()
    with starting_api(settings) as api:
        _wait_until_ready(settings, api)
        ready_s, processor_s = time.perf_counter() - start_s, api.processor_s()
        time.sleep(_SETTLE_S)
        return _Start(ready_s, processor_s, api.resident_bytes())


def _wait_until_ready(settings: Settings, api: Measured) -> None:
    give_up_s = time.monotonic() + _READY_TIMEOUT_S
    with httpx.Client(base_url=f"http://127.0.0.1:{settings.api_port}", timeout=60) as client:
        while True:
            api.check_alive()
            try:
                if client.get("/ready").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() > give_up_s:
                raise TimeoutError(f"the API was not ready within {_READY_TIMEOUT_S:,.0f} s")
            time.sleep(_POLL_S)
