"""Candles of a symbol."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.dependencies import ListedSymbol, WithView, check_range, json_response
from api.errors import answers
from api.payloads import CandleList
from engine.domain import TIME_MS_MAX

router = APIRouter(prefix="/candles", tags=["market data"])

Interval: TypeAlias = Literal["1s", "5s", "15s", "1m", "5m", "15m", "30m", "1h", "4h", "1d"]


class CandleQuery(BaseModel):
    """Which candles are asked for."""

    interval: Annotated[Interval, Field(description="length; days begin at midnight UTC-3")] = "1m"
    start_ms: Annotated[int | None, Field(ge=0, le=TIME_MS_MAX, description="first start, included")] = None
    end_ms: Annotated[int | None, Field(ge=0, le=TIME_MS_MAX, description="last start, included")] = None
    limit: Annotated[int, Field(ge=1, le=5_000, description="at most this many")] = 500


@router.get("/{symbol}", response_model=CandleList, summary="List candles", responses=answers(404, 422, 503))
async def list_candles(
    symbol: ListedSymbol,
    view: WithView,
    wanted: Annotated[CandleQuery, Query()],
) -> Response:
    """List candles, oldest first: from `start_ms` on, or without it the newest.

    An interval without a trade has no candle.
    """
    check_range(wanted.start_ms, wanted.end_ms)
    kept = view.candles.get(symbol)
    candles = (
        kept[wanted.interval].between(wanted.start_ms, wanted.end_ms, limit=wanted.limit, now_ms=view.time_ms)
        if kept
        else []
    )
    return json_response(CandleList(symbol=symbol, interval=wanted.interval, candles=candles))
