"""What admins do to the market: noted before it is done, and then how it came out; and the audit to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.identity import audit
from api.identity.audit import Entry
from api.identity.callers import Caller
from api.identity.clock import now_ms
from api.identity.database import IdentityDatabase


class Journal:
    """Reads and writes the audit."""

    def __init__(self, database: IdentityDatabase) -> None:
        self._database = database

    async def begin(
        self, caller: Caller, act: str, subject: str, *, detail: dict[str, Any], address: str
    ) -> int:
        """Note what is about to be done to the market, which must not go unnoted; gives its number."""
        return await self._database.run(
            lambda connection: audit.note(
                connection,
                actor=caller.username,
                act=act,
                subject=subject,
                address=address,
                now_ms=now_ms(),
                outcome=audit.BEGUN,
                detail=detail,
            )
        )

    async def end(self, audit_id: int, outcome: str) -> None:
        """Note how it came out."""
        await self._database.run(lambda connection: audit.end(connection, audit_id, outcome=outcome))

    async def page(self, *, before_id: int | None, limit: int) -> Sequence[Entry]:
        """List what was done, newest first."""
        return await self._database.run(
            lambda connection: audit.page(connection, before_id=before_id, limit=limit)
        )
