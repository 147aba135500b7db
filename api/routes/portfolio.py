"""What the account was worth over time."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.dependencies import Investor, WithServices, WithView, check_range, json_response
from api.errors import ApiError, answers
from api.payloads import PortfolioHistory
from api.portfolio import INTERVALS, Span, TooManyValuationsError, portfolio
from engine.domain import TIME_MS_MAX

router = APIRouter(prefix="/portfolio", tags=["account"])

Interval: TypeAlias = Literal["1m", "5m", "15m", "30m", "1h", "4h", "1d"]


class PortfolioQuery(BaseModel):
    """Which points are asked for."""

    interval: Annotated[Interval, Field(description="between two points; days begin at midnight UTC-3")] = (
        "1h"
    )
    start_ms: Annotated[int | None, Field(ge=0, le=TIME_MS_MAX, description="first point, included")] = None
    end_ms: Annotated[int | None, Field(ge=0, le=TIME_MS_MAX, description="last point, included")] = None
    limit: Annotated[int, Field(ge=1, le=1_000, description="at most this many")] = 500


@router.get(
    "/history",
    response_model=PortfolioHistory,
    summary="Follow equity over time",
    responses=answers(422, 503),
)
async def read_history(
    services: WithServices,
    view: WithView,
    investor: Investor,
    wanted: Annotated[PortfolioQuery, Query()],
) -> Response:
    """List points, oldest first: from `start_ms` on, or without it the newest.

    A point stands at the whole interval and tells the account as everything before it left it: so the first
    comes with the first whole interval after the account was opened, and none after the market's time.
    """
    check_range(wanted.start_ms, wanted.end_ms)
    now_ms = view.time_ms
    span = Span(
        interval_ms=INTERVALS[wanted.interval],
        start_ms=wanted.start_ms,
        end_ms=now_ms if wanted.end_ms is None else min(wanted.end_ms, now_ms),
        limit=wanted.limit,
    )
    references = {symbol: asset.reference_price for symbol, asset in view.assets.items()}
    await services.wait_for_recorder()
    try:
        points = await asyncio.to_thread(portfolio, services.history, investor, span, references)
    except TooManyValuationsError as error:
        raise ApiError(
            422,
            "too_many_points",
            f"You have so many positions that limit may be {error.points_max} at most.",
        ) from error
    return json_response(PortfolioHistory(interval=wanted.interval, points=points))
