"""The audit: who did what to users and to the market, and every sign-in, kept for ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select, update

from api.identity.tables import ADDRESS_LENGTH_MAX, audit

BEGUN = "begun"
DONE = "done"
_SUBJECT_LENGTH_MAX = 128
_OUTCOME_LENGTH_MAX = 64


class Entry(Struct, frozen=True, kw_only=True):
    """One act. `subject` is whom or what it was done to.

    `outcome` is `done`, or why not; an act on the market stays `begun` when its end was never seen.
    """

    audit_id: int
    time_ms: int
    actor: str
    act: str
    subject: str
    detail: dict[str, Any]
    outcome: str
    address: str


def note(
    connection: Connection,
    *,
    actor: str,
    act: str,
    subject: str,
    address: str,
    now_ms: int,
    outcome: str = DONE,
    detail: dict[str, Any] | None = None,
) -> int:
    """Add an act and give its number."""
    row = {
        "time_ms": now_ms,
        "actor": actor,
        "act": act,
        "subject": subject[:_SUBJECT_LENGTH_MAX],
        "detail": msgspec.json.encode(detail or {}).decode(),
        "outcome": outcome[:_OUTCOME_LENGTH_MAX],
        "address": address[:ADDRESS_LENGTH_MAX],
    }
    added = connection.execute(audit.insert().values(row).returning(audit.c.audit_id))
    return int(added.scalar_one())


def note_own(
    connection: Connection,
    username: str,
    act: str,
    *,
    address: str,
    now_ms: int,
    subject: str = "",
    outcome: str = "done",
) -> None:
    """Add what a user did for themselves; `subject` is what it was done to, if not the user."""
    note(
        connection,
        actor=username,
        act=act,
        subject=subject or username,
        address=address,
        now_ms=now_ms,
        outcome=outcome,
    )


def end(connection: Connection, audit_id: int, *, outcome: str) -> None:
    """Say how an act that had begun came out."""
    changed = {"outcome": outcome[:_OUTCOME_LENGTH_MAX]}
    connection.execute(update(audit).where(audit.c.audit_id == audit_id).values(changed))


def page(connection: Connection, *, before_id: int | None, limit: int) -> Sequence[Entry]:
    """List acts, newest first."""
    query = select(audit).order_by(audit.c.audit_id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(audit.c.audit_id < before_id)
    return [
        Entry(
            audit_id=row.audit_id,
            time_ms=row.time_ms,
            actor=row.actor,
            act=row.act,
            subject=row.subject,
            detail=msgspec.json.decode(row.detail),
            outcome=row.outcome,
            address=row.address,
        )
        for row in connection.execute(query)
    ]
