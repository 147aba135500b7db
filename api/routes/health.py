"""Whether the API runs, whether it keeps up."""

from __future__ import annotations

import time

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import WithServices, json_response
from api.live.answering import SILENT_MAX_S
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
    """Answer 200 when the live view has caught up with the log, Kafka is there and the engine answers."""
    standing = services.follower.standing
    if standing.state is not State.READY:
        return json_response(Standing(status=standing.state, message=standing.detail), 503)
    silent_s = services.follower.answering.silent_s(time.monotonic())
    if silent_s > SILENT_MAX_S:
        message = f"the engine has not answered for {silent_s:.0f} s; look at its log, or start it again"
        return json_response(Standing(status=State.RETRYING, message=message), 503)
    return json_response(Standing(status=standing.state, message=standing.detail))
