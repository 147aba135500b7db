"""Whether the database of users answers."""

from __future__ import annotations

from sqlalchemy import Connection, select

from api.identity.database import IdentityDatabase, IdentityUnavailableError
from api.identity.tables import users
from api.watching import AnswerWatch


class IdentityWatch(AnswerWatch):
    """Looks for the users about once a second, the way that everybody's requests do."""

    def __init__(self, database: IdentityDatabase) -> None:
        super().__init__(troubled="the database of users is away", well="the database of users answers again")
        self._database = database

    async def _look(self) -> None:
        try:
            await self._database.run(_ask)
        except IdentityUnavailableError as error:
            self.failed(str(error))
        else:
            self.answered()

    def trouble(self, now_s: float) -> str | None:
        """Say why nobody can sign in, and what to do; None when everybody can."""
        why = self.why_away(now_s)
        if why is None:
            return None
        return (
            f"the database of users cannot be read ({why}); nobody can sign in, and who is signed in is "
            "known for a minute more; see that it runs and its disk is there"
        )


def _ask(connection: Connection) -> None:
    connection.execute(select(users.c.user_id).limit(1)).all()
