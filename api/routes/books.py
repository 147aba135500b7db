"""The order book, by price level."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.dependencies import ListedSymbol, WithView, services
from api.errors import ApiError, answers
from api.payloads import BookLevels

_LEVELS = 20
_LEVELS_MAX = 1_000
_ORDINARY_QUERY = re.compile(rb"(?:levels=([1-9]\d{0,2}))?")


class _ReadyAnswers(APIRoute):
    """Answers an ordinary question from bytes at hand; whatever is out of the ordinary goes FastAPI's way.

    Finding out what a question is takes FastAPI longer than answering it: this halves the whole.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        ask_fastapi = super().get_route_handler()

        async def answer(request: Request) -> Response:
            return await _ready_answer(request) or await ask_fastapi(request)

        return answer


router = APIRouter(prefix="/book", tags=["market data"], route_class=_ReadyAnswers)


@router.get("/{symbol}", response_model=BookLevels, summary="Read a book", responses=answers(404, 422, 503))
async def read_book(
    symbol: ListedSymbol,
    view: WithView,
    levels: Annotated[
        int, Query(ge=1, le=_LEVELS_MAX, description="levels of each side, best first")
    ] = _LEVELS,
) -> Response:
    """Give the best levels as [price, quantity, order count]."""
    book = view.books[symbol]
    if not book.known:
        raise ApiError(503, "starting", "The book is being read; try again in a moment.")
    return Response(book.encoded(levels), media_type="application/json")


async def _ready_answer(request: Request) -> Response | None:
    made, symbol = await services(request), request.path_params["symbol"]
    query = _ORDINARY_QUERY.fullmatch(request.scope["query_string"])
    if query is None or not made.follower.caught_up or symbol not in made.view.assets:
        return None
    book = made.view.books[symbol]
    levels = int(query[1]) if query[1] else _LEVELS
    return Response(book.encoded(levels), media_type="application/json") if book.known else None
