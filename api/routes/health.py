"""Whether the API runs, whether it keeps up."""

from __future__ import annotations

import time

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import WithIdentity, WithServices, json_response
from api.payloads import Standing
from api.standing import api_standing
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
async def ready(services: WithServices, identity: WithIdentity) -> Response:
    """Answer 200 when the live view has caught up with the log, and Kafka, engine and databases keep up."""
    standing = api_standing(services, identity, time.monotonic())
    told = Standing(status=standing.state, message=standing.detail, reason=standing.reason)
    return json_response(told, 200 if standing.state is State.READY else 503)
