"""The streams: server-sent events of the market, and of the investor's own orders and account."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from api.dependencies import Investor, SignedIn, StreamOwner, WithServices, WithView
from api.errors import ApiError, answers, unknown_symbol
from api.live.view import LiveView
from api.openings import (
    EVERY_SYMBOL,
    AccountOpening,
    BadChannelError,
    MarketOpening,
    parse_channels,
    stream,
)
from api.services import Services
from api.streaming import EventStream, Owner, too_many

router = APIRouter(prefix="/stream", tags=["streams"])

_SYMBOLS_MAX = 100
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Events until the client goes."}
}
LastEventId: TypeAlias = Annotated[
    str | None, Header(max_length=128, description="id of the last event that was received")
]


@router.get(
    "",
    summary="Follow the market",
    response_class=Response,
    responses={**_EVENTS, **answers(404, 422, 429, 503)},
)
async def stream_market(
    services: WithServices,
    view: WithView,
    owner: StreamOwner,
    *,
    symbols: Annotated[
        str | None,
        Query(max_length=2_000, description="separated by commas; without it all, also ones to come"),
    ] = None,
    channels: Annotated[
        str,
        Query(
            max_length=200,
            description="of trades, book, tickers, candles:INTERVAL, separated by commas; "
            "all but trades also at a pace, as book:250ms (100ms, 250ms, 500ms, 1s)",
        ),
    ] = "trades,book,tickers",
    last_event_id: LastEventId = None,
) -> Response:
    """Send `trade`, `book`, `candle` and `ticker` events as they happen.

    It opens with a `book_snapshot` of each book, the newest candles and tickers, and `opened`. After a break
    the header `Last-Event-ID` brings what was missed, or `reset` and a fresh opening where that is too old.
    """
    wanted = _symbols(view, symbols)
    try:
        kinds = parse_channels(channels)
    except BadChannelError as error:
        raise ApiError(422, "bad_channel", str(error)) from error
    make = partial(_market_opening, services, wanted, kinds)
    return EventStream(
        lambda: stream(services.public_feed, make, last_event_id), services.stream_counts, owner
    )


@router.get(
    "/account",
    summary="Follow my orders and account",
    response_class=Response,
    responses={**_EVENTS, **answers(422, 429, 503)},
)
async def stream_account(
    services: WithServices,
    _view: WithView,
    caller: SignedIn,
    investor: Investor,
    last_event_id: LastEventId = None,
) -> Response:
    """Send the investor's own `execution` and `account` events as they happen.

    It opens with `orders_snapshot` (open orders), `account_snapshot` and `opened`. After a break the header
    `Last-Event-ID` brings what was missed, or `reset` and a fresh opening where that is too old.
    """
    if services.private_feed.is_crowded(investor):
        raise too_many("Your account has as many streams open as it may; close some and try again.")
    make = partial(_account_opening, services, investor)
    return EventStream(
        lambda: stream(services.private_feed, make, last_event_id),
        services.stream_counts,
        Owner("user", caller.user_id),
    )


def _market_opening(services: Services, symbols: tuple[str, ...], kinds: tuple[str, ...]) -> MarketOpening:
    return MarketOpening(view=services.view, symbols=symbols, kinds=kinds)


def _account_opening(services: Services, investor_id: str) -> AccountOpening:
    return AccountOpening(view=services.view, investor_id=investor_id)


def _symbols(view: LiveView, text: str | None) -> tuple[str, ...]:
    if text is None:
        return (EVERY_SYMBOL,)
    symbols = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not 0 < len(symbols) <= _SYMBOLS_MAX:
        raise ApiError(422, "malformed", f"symbols: name 1 to {_SYMBOLS_MAX}, separated by commas.")
    for symbol in symbols:
        if symbol not in view.assets:
            raise unknown_symbol(symbol)
    return symbols
