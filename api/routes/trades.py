"""The newest trades of a symbol."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import ListedSymbol, WithView, json_response
from api.errors import answers
from api.live.trades import TRADES_MAX
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
    limit: Annotated[int, Query(ge=1, le=TRADES_MAX, description="at most this many")] = 100,
) -> Response:
    """List trades, newest first. `GET /transactions` goes further back."""
    trades = view.trades.get(symbol)
    return json_response([] if trades is None else trades.newest(limit))
