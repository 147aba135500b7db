"""The investor's cash and shares."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import Investor, WithView, json_response
from api.errors import ApiError, answers
from api.payloads import AccountRow, PositionRow

router = APIRouter(tags=["account"])


@router.get("/account", response_model=AccountRow, summary="Read the account", responses=answers(404, 503))
async def read_account(view: WithView, investor: Investor) -> Response:
    """Give cash, held cash, equity and profit, with shares at their last prices, and the account's limits."""
    account = view.accounts.account(investor)
    if account is None:
        raise ApiError(404, "unknown_investor", f"There is no account {investor} yet; open_account makes it.")
    return json_response(account)


@router.get("/positions", response_model=list[PositionRow], summary="List positions", responses=answers(503))
async def list_positions(view: WithView, investor: Investor) -> Response:
    """List shares by symbol, closed positions with their profit included."""
    return json_response(view.accounts.positions(investor))
