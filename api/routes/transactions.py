"""The history of trades."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.dependencies import WithServices, check_range, json_response
from api.errors import ApiError, answers
from api.history import BadCursorError, TransactionFilter
from api.payloads import TransactionPage
from engine.domain import SYMBOL_PATTERN, TIME_MS_MAX

router = APIRouter(prefix="/transactions", tags=["market data"])


class TransactionQuery(BaseModel):
    """Which trades are asked for."""

    symbol: Annotated[str | None, Field(pattern=SYMBOL_PATTERN, description="of one symbol only")] = None
    start_ms: Annotated[int | None, Field(ge=0, le=TIME_MS_MAX, description="not before")] = None
    end_ms: Annotated[int | None, Field(ge=0, le=TIME_MS_MAX, description="not after")] = None
    cursor: Annotated[str | None, Field(max_length=64, description="next_cursor of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=1_000, description="at most this many")] = 100
    format: Annotated[Literal["json"], Field(description="json is the only one so far")] = "json"


@router.get(
    "", response_model=TransactionPage, summary="Page through all trades", responses=answers(422, 503)
)
async def list_transactions(
    services: WithServices,
    wanted: Annotated[TransactionQuery, Query()],
) -> Response:
    """List trades from the history, newest first."""
    check_range(wanted.start_ms, wanted.end_ms)
    trades = TransactionFilter(**wanted.model_dump(exclude={"format"}))
    try:
        return json_response(await asyncio.to_thread(services.history.transactions, trades))
    except BadCursorError as error:
        raise ApiError(422, "bad_cursor", "The cursor is not one that a page gave; begin without.") from error
