"""What the account held when each day ended."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from api.daily_positions import DailyPosition, daily_positions
from api.dependencies import Investor, WithServices, json_response
from api.errors import answers

router = APIRouter(prefix="/portfolio", tags=["account"])


@router.get(
    "/positions",
    response_model=list[DailyPosition],
    summary="Follow positions by day",
    responses=answers(503),
)
async def read_daily_positions(services: WithServices, investor: Investor) -> Response:
    """List each symbol's shares at the end of each day on which they changed, newest first."""
    await services.wait_for_recorder()
    return json_response(await asyncio.to_thread(daily_positions, services.history, investor))
