"""Whether the API can be used: what it needs, and what is to be done where something is away."""

from __future__ import annotations

from dataclasses import dataclass

from api.identity.service import Identity
from api.live.answering import SILENT_MAX_S
from api.payloads import NotReadyReason
from api.services import Services
from engine.progress import State


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiStanding:
    """Where the API stands; `reason` is None where it is ready."""

    state: State
    detail: str
    reason: NotReadyReason | None = None


def api_standing(services: Services, identity: Identity, now_s: float) -> ApiStanding:
    """Tell whether all that the API needs keeps up: Kafka, the live view, the engine, users and history.

    Parameters
    ----------
    services : Services
        The market, and its history.
    identity : Identity
        The users.
    now_s : float
        A clock that never goes back.
    """
    followed = services.follower.standing
    if followed.state is not State.READY:
        return ApiStanding(state=followed.state, detail=followed.detail, reason="not_ready")
    silent_s = services.follower.answering.silent_s(now_s)
    if silent_s > SILENT_MAX_S:
        detail = f"the engine has not answered for {silent_s:.0f} s; look at its log, or start it again"
        return ApiStanding(state=State.RETRYING, detail=detail, reason="not_ready")
    of_users, of_history = identity.watch.trouble(now_s), services.history_watch.trouble(now_s)
    if of_users is None and of_history is None:
        return ApiStanding(state=State.READY, detail=followed.detail)
    return ApiStanding(
        state=State.RETRYING,
        # In PostgreSQL both are one database, and away together.
        detail=". Also, ".join(trouble for trouble in (of_users, of_history) if trouble is not None),
        reason="database_unavailable" if of_users is None else "users_unavailable",
    )
