"""The streams: server-sent events of the market, and of the investor's own orders and account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any, TypeAlias

import structlog
from fastapi import APIRouter, Header, Query
from sse_starlette.sse import EventSourceResponse, SendTimeoutError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.dependencies import Investor, WithServices, WithView
from api.errors import ApiError, answers, unknown_symbol
from api.feed import Feed
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

router = APIRouter(prefix="/stream", tags=["streams"])

_PING_S = 15
_SEND_TIMEOUT_S = 20.0
_SYMBOLS_MAX = 100
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Events until the client goes."}
}
LastEventId: TypeAlias = Annotated[
    str | None, Header(max_length=128, description="id of the last event that was received")
]

_log = structlog.get_logger("api")


class EventStream(EventSourceResponse):
    """A stream that gives up a client which takes nothing for a while."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until one side ends it."""
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            _log.info("a stream's client took nothing and was dropped", client=scope.get("client"))


@router.get(
    "", summary="Follow the market", response_class=Response, responses={**_EVENTS, **answers(404, 422, 503)}
)
async def stream_market(
    services: WithServices,
    view: WithView,
    symbols: Annotated[
        str | None,
        Query(max_length=2_000, description="separated by commas; without it all, also ones to come"),
    ] = None,
    channels: Annotated[
        str,
        Query(max_length=200, description="of trades, book, tickers, candles:INTERVAL, separated by commas"),
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
        raise ApiError(
            422,
            "bad_channel",
            f"There is no channel {str(error)[:32]}: use trades, book, tickers, candles:1m.",
        ) from error
    if not kinds:
        raise ApiError(422, "bad_channel", "Name a channel: trades, book, tickers, candles:1m.")
    make = partial(_market_opening, services, wanted, kinds)
    _check_room(services.public_feed)
    return _answer(stream(services.public_feed, make, last_event_id))


@router.get(
    "/account",
    summary="Follow my orders and account",
    response_class=Response,
    responses={**_EVENTS, **answers(422, 503)},
)
async def stream_account(
    services: WithServices, _view: WithView, investor: Investor, last_event_id: LastEventId = None
) -> Response:
    """Send the investor's own `execution` and `account` events as they happen.

    It opens with `orders_snapshot` (open orders), `account_snapshot` and `opened`. After a break the header
    `Last-Event-ID` brings what was missed, or `reset` and a fresh opening where that is too old.
    """
    _check_room(services.private_feed)
    if services.private_feed.is_crowded(investor):
        raise ApiError(503, "too_many_streams", "Too many streams of your account are open; close some.")
    make = partial(_account_opening, services, investor)
    return _answer(stream(services.private_feed, make, last_event_id))


def _market_opening(services: Services, symbols: tuple[str, ...], kinds: tuple[str, ...]) -> MarketOpening:
    return MarketOpening(view=services.view, symbols=symbols, kinds=kinds)


def _account_opening(services: Services, investor_id: str) -> AccountOpening:
    return AccountOpening(view=services.view, investor_id=investor_id)


def _answer(events: AsyncIterator[bytes]) -> EventStream:
    return EventStream(events, ping=_PING_S, sep="\n", send_timeout=_SEND_TIMEOUT_S)


def _check_room(feed: Feed) -> None:
    if feed.full:
        raise ApiError(503, "too_many_streams", "Too many streams are open; close some or try again later.")


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
