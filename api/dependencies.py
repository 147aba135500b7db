"""What routes ask for: the services, the investor who acts, a listed symbol, a JSON body."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Depends, Path, Request
from starlette.responses import Response

from api.errors import ApiError, unknown_symbol
from api.live.view import LiveView
from api.payloads import encode
from api.services import Services
from engine.domain import ID_LENGTH_MAX


def services(request: Request) -> Services:
    """Give what was made when the API started."""
    made = request.app.state.services
    assert isinstance(made, Services)
    return made


def current_view(made: Annotated[Services, Depends(services)]) -> LiveView:
    """Give the live view once it has caught up with the log."""
    if not made.follower.caught_up:
        raise ApiError(503, "starting", f"The API is not ready: {made.follower.standing.detail}.")
    return made.view


def current_investor(made: Annotated[Services, Depends(services)]) -> str:
    """Give the investor who acts; sign-in will replace this."""
    return made.config.investor_id


def listed_symbol(
    symbol: Annotated[str, Path(description="A listed symbol, as in PETR4", max_length=64)],
    view: Annotated[LiveView, Depends(current_view)],
) -> str:
    """Give the path's symbol if it is listed."""
    if symbol not in view.assets:
        raise unknown_symbol(symbol)
    return symbol


def json_body(request: Request) -> None:
    """Refuse a body of another type: a page of another site can send those without asking the browser."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ApiError(
            415, "unsupported_media_type", "Send the body as JSON, with Content-Type application/json."
        )


def check_range(start_ms: int | None, end_ms: int | None) -> None:
    """Refuse a span of time that ends before it begins."""
    if start_ms is not None and end_ms is not None and start_ms > end_ms:
        raise ApiError(422, "bad_range", "start_ms is after end_ms; swap them.")


def json_response(payload: object, status: int = 200) -> Response:
    """Make an answer of a payload."""
    return Response(encode(payload), status_code=status, media_type="application/json")


WithServices: TypeAlias = Annotated[Services, Depends(services)]
WithView: TypeAlias = Annotated[LiveView, Depends(current_view)]
Investor: TypeAlias = Annotated[str, Depends(current_investor)]
ListedSymbol: TypeAlias = Annotated[str, Depends(listed_symbol)]
OrderId: TypeAlias = Annotated[
    str, Path(min_length=1, max_length=ID_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")
]
