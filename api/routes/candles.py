"""Candles of a symbol."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.candles import candles_of
from api.dependencies import ListedSymbol, WithServices, WithView, check_range, json_response
from api.errors import ApiError, answers
from api.history.candles import TRADES_MAX, CandleSpan, TooManyTradesError
from api.live.candles import INTERVALS_MS
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
    services: WithServices,
    view: WithView,
    wanted: Annotated[CandleQuery, Query()],
) -> Response:
    """List candles, oldest first: from `start_ms` on, or without it the newest.

    An interval without a trade has no candle.
    """
    check_range(wanted.start_ms, wanted.end_ms)
    span = CandleSpan(
        symbol=symbol,
        interval_ms=INTERVALS_MS[wanted.interval],
        start_ms=wanted.start_ms,
        end_ms=wanted.end_ms,
        limit=wanted.limit,
    )
    try:
        candles = await candles_of(services, view, span, wanted.interval)
    except TooManyTradesError as error:
        raise ApiError(
            422,
            "too_many_trades",
            f"Those candles have more than {TRADES_MAX:,} trades; ask for fewer, or for longer ones.",
        ) from error
    return json_response(CandleList(symbol=symbol, interval=wanted.interval, candles=candles))
