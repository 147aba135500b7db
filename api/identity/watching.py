"""Whether the database of users answers."""

from __future__ import annotations

import asyncio
import time

import structlog
from sqlalchemy import Connection, select

from api.identity.database import IdentityDatabase, IdentityUnavailableError
from api.identity.tables import users
from api.watching import LOOK_EVERY_S, AnswerWatch

_log = structlog.get_logger("api")


class IdentityWatch(AnswerWatch):
    """Looks for the users about once a second, the way that everybody's requests do."""

    def __init__(self, database: IdentityDatabase) -> None:
        super().__init__()
        self._database = database

    async def run(self) -> None:
        """Look until cancelled."""
        was_away = False
        while True:
            self.asking(time.monotonic())
            try:
                await self._database.run(_look)
                self.answered()
            except IdentityUnavailableError as error:
                self.failed(str(error))
            trouble = self.trouble(time.monotonic())
            if was_away != (trouble is not None):
                was_away = trouble is not None
                if was_away:
                    _log.warning("the database of users is away", why=trouble)
                else:
                    _log.info("the database of users answers again")
            await asyncio.sleep(LOOK_EVERY_S)

    def trouble(self, now_s: float) -> str | None:
        """Say why nobody can sign in, and what to do; None when everybody can."""
        why = self.why_away(now_s)
        if why is None:
            return None
        return (
            f"the database of users cannot be read ({why}); nobody can sign in, and who is signed in is "
            "known for a minute more; see that it runs and its disk is there"
        )


def _look(connection: Connection) -> None:
    connection.execute(select(users.c.user_id).limit(1)).all()
