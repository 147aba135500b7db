"""Listed assets with their day."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import ListedSymbol, WithView, json_response
from api.errors import answers
from api.payloads import Ticker

router = APIRouter(prefix="/assets", tags=["market data"])


@router.get("", response_model=list[Ticker], summary="List assets", responses=answers(503))
async def list_assets(view: WithView) -> Response:
    """List all assets by symbol, with last price, the day's prices, volume and change, bid and ask."""
    return json_response([view.ticker(symbol) for symbol in sorted(view.assets)])


@router.get("/{symbol}", response_model=Ticker, summary="Read an asset", responses=answers(404, 503))
async def read_asset(symbol: ListedSymbol, view: WithView) -> Response:
    """Give one asset with its day."""
    return json_response(view.ticker(symbol))
