"""The history of trades."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import (
    WithIdentity,
    WithServices,
    check_range,
    current_investor,
    json_response,
    signed_in,
)
from api.download import Download, pieces
from api.errors import ApiError, answers, unknown_symbol
from api.history import BadCursorError, TransactionFilter
from api.history.downloads import download
from api.history.transactions import transactions_page
from api.payloads import OwnTransactionPage, TransactionPage
from api.services import Services
from engine.domain import PRICE_UNITS_MAX, SYMBOL_PATTERN, TIME_MS_MAX, Side

router = APIRouter(prefix="/transactions", tags=["market data"])

PAGE_MAX = 1_000
DOWNLOAD_MAX = 100_000_000
_PAGE = 100
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
_Price = Annotated[float | None, Field(ge=0, le=PRICE_UNITS_MAX, allow_inf_nan=False)]


class TransactionQuery(BaseModel):
    """Which trades are asked for."""

    symbol: Annotated[str | None, Field(pattern=SYMBOL_PATTERN, description="of one symbol only")] = None
    mine: Annotated[bool, Field(description="my own only, from my side; needs to be signed in")] = False
    side: Annotated[
        Side | None, Field(description="the side that took the other's price; with `mine` my own")
    ] = None
    start_ms: Annotated[int | None, Field(ge=0, le=TIME_MS_MAX, description="not before")] = None
    end_ms: Annotated[int | None, Field(ge=0, le=TIME_MS_MAX, description="not after")] = None
    price_min: Annotated[_Price, Field(description="not below")] = None
    price_max: Annotated[_Price, Field(description="not above")] = None
    cursor: Annotated[str | None, Field(max_length=64, description="next_cursor of the page before")] = None
    limit: Annotated[
        int | None,
        Field(
            ge=1, le=DOWNLOAD_MAX, description="at most this many; of json 1,000, without it 100, else all"
        ),
    ] = None
    format: Annotated[
        Literal["json", "csv", "parquet"], Field(description="csv and parquet: all of them, streamed")
    ] = "json"


@router.get(
    "",
    response_model=TransactionPage | OwnTransactionPage,
    summary="Page through all trades, or download them",
    responses=answers(401, 403, 404, 422, 429, 503)
    | {200: {"content": {kind: {} for kind in _MEDIA_TYPES.values()}}},
)
async def list_transactions(
    request: Request,
    services: WithServices,
    identity: WithIdentity,
    wanted: Annotated[TransactionQuery, Query()],
) -> Response:
    """List trades from the history, newest first.

    A page goes on where the one before ended, whatever trades come in between. Everybody's trades do not tell
    who traded; with `mine` come the order, the fee, and whether it was maker or taker.
    """
    _check(services, wanted)
    investor = await current_investor(await signed_in(request, identity)) if wanted.mine else None
    trades = TransactionFilter(
        investor_id=investor,
        limit=wanted.limit or (_PAGE if wanted.format == "json" else DOWNLOAD_MAX),
        **wanted.model_dump(exclude={"format", "mine", "limit"}),
    )
    try:
        if wanted.format == "json":
            return json_response(await asyncio.to_thread(transactions_page, services.history, trades))
        return await _download(services, trades, wanted.format)
    except BadCursorError as error:
        raise ApiError(422, "bad_cursor", "The cursor is not one that a page gave; begin without.") from error


def _check(services: Services, wanted: TransactionQuery) -> None:
    check_range(wanted.start_ms, wanted.end_ms)
    low, high = wanted.price_min, wanted.price_max
    if low is not None and high is not None and low > high:
        raise ApiError(422, "bad_range", "price_min is above price_max; swap them.")
    if wanted.format == "json" and (wanted.limit or 0) > PAGE_MAX:
        raise ApiError(
            422,
            "bad_limit",
            f"A page has at most {PAGE_MAX:,} trades; go on with next_cursor, or take format=csv.",
        )
    follower = services.follower
    if wanted.symbol is not None and follower.caught_up and wanted.symbol not in follower.view.assets:
        raise unknown_symbol(wanted.symbol)


async def _download(services: Services, wanted: TransactionFilter, kind: str) -> Response:
    if services.downloads.locked():
        raise ApiError(
            503, "busy", "Others are downloading; try again in a moment.", headers={"Retry-After": "5"}
        )
    following = download(services.history, wanted, as_parquet=kind == "parquet")
    # What is wrong from the beginning is still told as an error.
    first = await asyncio.to_thread(next, following)
    return Download(
        pieces(first, following, services.downloads),
        media_type=_MEDIA_TYPES[kind],
        headers={"Content-Disposition": f'attachment; filename="transactions.{kind}"'},
    )
