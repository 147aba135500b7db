"""How the market's parts keep up, and what its simulator is to do."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.responses import Response

from api.dependencies import Admin, WithIdentity, WithServices, json_body, json_response
from api.errors import answers
from api.history import HistoryUnavailableError, records_behind
from api.identity import audit, simulator_wishes
from api.identity.clock import now_ms
from api.identity.credentials import address_of
from api.identity.simulator_wishes import RATE_MAX, Scenario, SimulatorWish
from api.live.answering import SILENT_MAX_S
from api.services import Services

router = APIRouter(prefix="/admin", tags=["administration"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Where a part stands; `lag_records` is None where it cannot be told."""

    name: str
    state: str
    message: str
    lag_records: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemStatus:
    """The market's parts as this API process sees them, and how old the newest event is."""

    parts: list[Part]
    market_time_ms: int
    silent_ms: int
    accounts: int
    symbols: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorRow:
    """What is wished of the simulator, and since when; no `rate`: that of the settings."""

    scenario: Scenario
    rate: float | None
    since_ms: int


class NewSimulatorWish(BaseModel):
    """How simulated prices move, and how many commands a second come."""

    scenario: Scenario = Scenario.NORMAL
    rate: Annotated[float, Field(ge=0, le=RATE_MAX, allow_inf_nan=False)] | None = None


@router.get(
    "/system",
    response_model=SystemStatus,
    summary="See whether all keeps up",
    responses=answers(401, 403, 429, 503),
)
async def read_system(_caller: Admin, services: WithServices) -> Response:
    """Tell how far the API and the recorder are behind, and how long the engine has said nothing."""
    view = services.view
    silent_ms = max(0, time.time_ns() // 1_000_000 - view.time_ms) if view.time_ms else 0
    status = SystemStatus(
        parts=[_api_part(services), _engine_part(services, silent_ms), await _recorder_part(services)],
        market_time_ms=view.time_ms,
        silent_ms=silent_ms,
        accounts=len(view.accounts),
        symbols=len(view.assets),
    )
    return json_response(status)


@router.get(
    "/simulator",
    response_model=SimulatorRow,
    summary="Read what the simulator is to do",
    responses=answers(401, 403, 429, 503),
)
async def read_simulator(_caller: Admin, identity: WithIdentity) -> Response:
    """Give the newest wish."""
    return json_response(_simulator_row(await identity.database.run(simulator_wishes.read)))


@router.put(
    "/simulator",
    response_model=SimulatorRow,
    summary="Steer the simulator",
    dependencies=[Depends(json_body)],
    responses=answers(400, 401, 403, 413, 415, 422, 429, 503),
)
async def steer_simulator(
    wanted: NewSimulatorWish, caller: Admin, request: Request, identity: WithIdentity
) -> Response:
    """Wish a scenario and a rate of the simulator, which looks every second."""
    wish = SimulatorWish(scenario=wanted.scenario, rate=wanted.rate, since_ms=now_ms())

    def write(connection: Connection) -> None:
        simulator_wishes.write(connection, wish)
        audit.note(
            connection,
            actor=caller.username,
            act="steer_simulator",
            subject=wish.scenario,
            address=address_of(request),
            now_ms=wish.since_ms,
            detail={"rate": wish.rate},
        )

    await identity.database.run(write)
    return json_response(_simulator_row(wish))


def _simulator_row(wish: SimulatorWish) -> SimulatorRow:
    return SimulatorRow(scenario=wish.scenario, rate=wish.rate, since_ms=wish.since_ms)


def _api_part(services: Services) -> Part:
    standing = services.follower.standing
    return Part(name="api", state=standing.state, message=standing.detail, lag_records=None)


def _engine_part(services: Services, silent_ms: int) -> Part:
    if not services.view.time_ms:
        return Part(name="engine", state="starting", message="it has sent nothing yet", lag_records=None)
    unanswered_s = services.follower.answering.silent_s(time.monotonic())
    if unanswered_s > SILENT_MAX_S:
        message = f"it has not answered for {unanswered_s:.0f} s; look at its log, or start it again"
        return Part(name="engine", state="retrying", message=message, lag_records=None)
    seconds = silent_ms / 1_000
    return Part(
        name="engine", state="ready", message=f"its newest event is {seconds:.1f} s old", lag_records=None
    )


async def _recorder_part(services: Services) -> Part:
    try:
        stored = await asyncio.to_thread(services.history.positions_in_log)
    except HistoryUnavailableError:
        message = "the history's database does not answer; look at the recorder's log"
        return Part(name="recorder", state="retrying", message=message, lag_records=None)
    lag = records_behind(services.view.positions, stored)
    message = "up to date" if lag == 0 else f"{lag:,} records behind what the API has read"
    return Part(name="recorder", state="ready", message=message, lag_records=lag)
