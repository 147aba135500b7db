"""Sign in with a password for tokens, keep signed in, sign out; who am I; a new password; register."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.dependencies import Person, SignedIn, WithIdentity, json_body, json_response
from api.errors import ApiError, answers, forbidden
from api.identity.answers import Me, PasswordRow, Tokens
from api.identity.callers import Role
from api.identity.credentials import address_of
from api.identity.passwords import PASSWORD_LENGTH_MAX, problem_with
from api.identity.service import TokenPair
from api.identity.users import USERNAME_RULE, username_of
from api.routes.keys import key_row

router = APIRouter(prefix="/auth", tags=["signing in"])


class Refresh(BaseModel):
    """A refresh token, which is good once."""

    refresh_token: Annotated[str, Field(min_length=1, max_length=128)]


class PasswordChange(BaseModel):
    """The caller's password and the one that takes its place."""

    current_password: Annotated[str, Field(max_length=PASSWORD_LENGTH_MAX)]
    new_password: Annotated[str, Field(max_length=PASSWORD_LENGTH_MAX)]
    revoke_api_keys: Annotated[bool, Field(strict=True)] = False


class Registration(BaseModel):
    """A name and a password; everything else is the market's to say."""

    username: Annotated[str, Field(max_length=64)]
    password: Annotated[str, Field(max_length=PASSWORD_LENGTH_MAX)]


@router.post(
    "/token", response_model=Tokens, summary="Sign in a program", responses=answers(401, 403, 422, 429, 503)
)
async def give_tokens(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], request: Request, identity: WithIdentity
) -> Response:
    """Give an access token and a refresh token for username and password (OAuth2 password form)."""
    address = address_of(request)
    user = await identity.sign_in.check(form.username, form.password, address=address)
    return _tokens(await identity.open_for_tokens(user, address=address))


@router.post(
    "/refresh",
    response_model=Tokens,
    summary="Stay signed in",
    dependencies=[Depends(json_body)],
    responses=answers(400, 401, 413, 415, 422, 503),
)
async def refresh_tokens(wanted: Refresh, request: Request, identity: WithIdentity) -> Response:
    """Give new tokens for a refresh token. One that is used twice was copied: its session ends."""
    return _tokens(await identity.refresh(wanted.refresh_token, address=address_of(request)))


@router.post("/logout", status_code=204, summary="Sign out", responses=answers(401, 403, 429, 503))
async def sign_out(caller: Person, request: Request, identity: WithIdentity) -> Response:
    """End the session: its access tokens, its refresh token and its streams end with it."""
    await identity.sign_out(caller, address=address_of(request))
    return Response(status_code=204)


@router.get("/me", response_model=Me, summary="Who am I?", responses=answers(401, 403, 429, 503))
async def read_me(caller: SignedIn) -> Response:
    """Tell who is signed in, and which account that trades."""
    me = Me(
        username=caller.username,
        role=caller.role,
        investor_id=caller.investor_id,
        read_only=caller.read_only,
    )
    return json_response(me)


@router.post(
    "/password",
    response_model=PasswordRow,
    summary="Change my password",
    dependencies=[Depends(json_body)],
    responses=answers(400, 401, 403, 413, 415, 422, 429, 503),
)
async def change_password(
    wanted: PasswordChange, caller: Person, request: Request, identity: WithIdentity
) -> Response:
    """Set a new password. All other sessions end; API keys stay, and are told, unless they are to end too."""
    problem = problem_with(wanted.new_password, username=caller.username)
    if problem is not None:
        raise ApiError(422, "bad_password", problem)
    address = address_of(request)
    await identity.sign_in.check(
        caller.username, wanted.current_password, address=address, act="set_password"
    )
    await identity.directory.set_own_password(
        caller, wanted.new_password, with_keys=wanted.revoke_api_keys, address=address
    )
    kept = [key_row(key) for key in await identity.directory.keys_of(caller)]
    message = "The password is changed, and all other sessions have ended."
    if kept:
        message += (
            f" {len(kept)} API keys can still be used: DELETE /auth/keys/ID ends one that you do not know."
        )
    return json_response(PasswordRow(status="done", message=message, api_keys=kept))


@router.post(
    "/register",
    status_code=201,
    response_model=Me,
    summary="Register (in the demo)",
    dependencies=[Depends(json_body)],
    responses=answers(400, 403, 409, 413, 415, 422, 429, 503),
)
async def register(wanted: Registration, request: Request, identity: WithIdentity) -> Response:
    """Make a trader with an account of its own; `POST /account` then opens that in the market."""
    if not identity.with_demo:
        raise forbidden("Only in the demo can people register; ask an admin.")
    username = username_of(wanted.username)
    if username is None:
        raise ApiError(422, "bad_username", USERNAME_RULE)
    problem = problem_with(wanted.password, username=username)
    if problem is not None:
        raise ApiError(422, "bad_password", problem)
    user = await identity.directory.register(username, wanted.password, address=address_of(request))
    me = Me(username=username, role=Role.TRADER, investor_id=user.investor_id, read_only=False)
    return json_response(me, 201)


def _tokens(pair: TokenPair) -> Response:
    answer = json_response(
        Tokens(
            access_token=pair.access_token,
            token_type="bearer",  # noqa: S106 - the kind of token, not one
            expires_in=pair.expires_in_s,
            refresh_token=pair.refresh_token,
        )
    )
    answer.headers["cache-control"] = "no-store"
    return answer
