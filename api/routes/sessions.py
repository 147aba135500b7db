"""A browser's session: the page signs in once, and the browser shows the cookie by itself from then on."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import Response

from api.dependencies import WithIdentity, WithServices, json_response, require_own_page
from api.errors import ApiError, answers
from api.identity.answers import Me
from api.identity.credentials import SESSION_COOKIE, address_of
from api.identity.passwords import PASSWORD_LENGTH_MAX
from api.identity.sessions import BROWSER_SESSION_LIFE_MS

router = APIRouter(prefix="/auth/session", tags=["signing in"])


class Login(BaseModel):
    """Username and password."""

    username: Annotated[str, Field(max_length=64)]
    password: Annotated[str, Field(max_length=PASSWORD_LENGTH_MAX)]


_LOGIN_SCHEMA = {"schema": Login.model_json_schema()}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": _LOGIN_SCHEMA, "application/x-www-form-urlencoded": _LOGIN_SCHEMA},
    }
}


async def login(request: Request) -> Login:
    """Read username and password from JSON or a form."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if media_type == "application/json":
            return Login.model_validate_json(await request.body())
        if media_type == "application/x-www-form-urlencoded":
            return Login.model_validate(dict(await request.form()))
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from error
    raise ApiError(415, "unsupported_media_type", "Send username and password as JSON or as a form.")


@router.post(
    "",
    status_code=201,
    response_model=Me,
    summary="Sign in a browser",
    openapi_extra=_BODY,
    responses=answers(400, 401, 403, 413, 415, 422, 429, 503),
)
async def open_session(
    wanted: Annotated[Login, Depends(login)], request: Request, identity: WithIdentity
) -> Response:
    """Set the cookie `homebroker_session`, which scripts cannot read and other sites cannot send."""
    address = address_of(request)
    user = await identity.sign_in.check(wanted.username, wanted.password, address=address)
    secret = await identity.open_for_browser(
        user, address=address, replaced=request.cookies.get(SESSION_COOKIE)
    )
    me = Me(username=user.username, role=user.role, investor_id=user.investor_id, read_only=False)
    answer = json_response(me, 201)
    _set_cookie(answer, request, secret, max_age_s=BROWSER_SESSION_LIFE_MS // 1_000)
    return answer


@router.delete("", status_code=204, summary="Sign out a browser", responses=answers(403, 503))
async def close_session(request: Request, services: WithServices, identity: WithIdentity) -> Response:
    """Clear the cookie and end its session; also when it has ended before."""
    require_own_page(request, services)
    secret = request.cookies.get(SESSION_COOKIE)
    if secret is not None:
        await identity.forget_browser(secret, address=address_of(request))
    answer = Response(status_code=204)
    _set_cookie(answer, request, "", max_age_s=0)
    return answer


def _set_cookie(answer: Response, request: Request, secret: str, *, max_age_s: int) -> None:
    answer.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=max_age_s,
        httponly=True,
        samesite="strict",
        # Over plain http, as on this machine, browsers would drop a cookie that is marked so.
        secure=request.url.scheme == "https",
    )
    answer.headers["cache-control"] = "no-store"
