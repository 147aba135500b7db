"""What admins wish of the simulator, looked up in the market's database; without it all is as usual."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.database import open_database
from api.identity.simulator_wishes import SimulatorWish, read

_LOOK_EVERY_S = 1.0
_log = structlog.get_logger("simulator")


async def follow_wishes(url: str, tell: Callable[[SimulatorWish], None]) -> None:
    """Look every second, and tell each new wish, until cancelled.

    A database that does not answer, or has no such table yet, changes nothing.
    """
    database = open_database(url)

    def look() -> SimulatorWish | None:
        # Opening it would make it, readable for everybody; the API makes it for itself alone.
        if database.dialect.name == "sqlite" and not Path(database.url.database or "").exists():
            return None
        with database.connect() as connection:
            return read(connection)

    known = SimulatorWish()
    try:
        while True:
            with suppress(SQLAlchemyError):
                wish = await asyncio.to_thread(look)
                if wish is not None and wish != known:
                    known = wish
                    _log.info("an admin wishes", scenario=wish.scenario, rate=wish.rate)
                    tell(wish)
            await asyncio.sleep(_LOOK_EVERY_S)
    finally:
        database.dispose()
