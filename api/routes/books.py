"""The order book, by price level."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import ListedSymbol, WithView
from api.errors import ApiError, answers
from api.payloads import BookLevels

router = APIRouter(prefix="/book", tags=["market data"])


@router.get("/{symbol}", response_model=BookLevels, summary="Read a book", responses=answers(404, 422, 503))
async def read_book(
    symbol: ListedSymbol,
    view: WithView,
    levels: Annotated[int, Query(ge=1, le=1_000, description="levels of each side, best first")] = 20,
) -> Response:
    """Give the best levels as [price, quantity, order count]."""
    book = view.books[symbol]
    if not book.known:
        raise ApiError(503, "starting", "The book is being read; try again in a moment.")
    return Response(book.encoded(levels), media_type="application/json")
