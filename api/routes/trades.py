"""The newest trades of a symbol."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import ListedSymbol, WithView, json_response
from api.errors import answers
from api.live.publisher import trade_row
from api.payloads import TradeRow

router = APIRouter(prefix="/trades", tags=["market data"])


@router.get(
    "/{symbol}",
    response_model=list[TradeRow],
    summary="List the newest trades",
    responses=answers(404, 422, 503),
)
async def list_trades(
    symbol: ListedSymbol,
    view: WithView,
    limit: Annotated[int, Query(ge=1, le=1_000, description="at most this many")] = 100,
) -> Response:
    """List trades, newest first. `GET /transactions` goes further back."""
    newest = reversed(view.trades.get(symbol, ()))
    return json_response([trade_row(trade) for trade in islice(newest, limit)])
