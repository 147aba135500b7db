"""Whether the API runs, whether it keeps up."""

from __future__ import annotations

import time

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import WithServices, json_response
from api.payloads import Standing
from engine.progress import State

router = APIRouter(tags=["operation"])


@router.get("/health", response_model=Standing, summary="Is the process up?")
async def health() -> Response:
    """Answer as long as the process runs."""
    return json_response(Standing(status="up", message="The API runs."))


@router.get(
    "/ready",
    response_model=Standing,
    summary="Can it be used?",
    responses={503: {"model": Standing, "description": "Not now, and why."}},
)
async def ready(services: WithServices) -> Response:
    """Answer 200 when the live view has caught up with the log, and Kafka, engine and history keep up."""
    now_s = time.monotonic()
    standing = services.standing(now_s)
    if standing.state is State.READY:
        return json_response(Standing(status=standing.state, message=standing.detail))
    market = services.market_standing(now_s)
    told = Standing(
        status=standing.state,
        message=standing.detail,
        reason="database_unavailable" if market.state is State.READY else "not_ready",
    )
    return json_response(told, 503)
