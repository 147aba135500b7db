"""Whether the API runs, whether it keeps up."""

from __future__ import annotations

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
    """Answer 200 when the live view has caught up with the log and Kafka is there."""
    standing = services.follower.standing
    usable = standing.state is State.READY
    return json_response(Standing(status=standing.state, message=standing.detail), 200 if usable else 503)
