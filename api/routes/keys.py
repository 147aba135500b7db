"""API keys: how programs sign in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.dependencies import Person, WithIdentity, json_body, json_response
from api.errors import ApiError, answers
from api.identity.answers import KeyRow, NewKeyRow
from api.identity.clock import now_ms
from api.identity.credentials import address_of
from api.identity.keys import KEYS_MAX, ApiKey, TooManyKeysError
from engine.domain import TIME_MS_MAX

router = APIRouter(prefix="/auth/keys", tags=["signing in"])


class NewKey(BaseModel):
    """What a key is called, and what it is good for."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
    read_only: Annotated[bool, Field(strict=True)] = False
    expires_at_ms: Annotated[int, Field(ge=0, le=TIME_MS_MAX, strict=True)] | None = None


@router.post(
    "",
    status_code=201,
    response_model=NewKeyRow,
    summary="Make an API key",
    dependencies=[Depends(json_body)],
    responses=answers(400, 401, 403, 413, 415, 422, 429, 503),
)
async def make_key(wanted: NewKey, caller: Person, request: Request, identity: WithIdentity) -> Response:
    """Make a key with the caller's role. It is told now and never again: keep it like a password."""
    if wanted.expires_at_ms is not None and wanted.expires_at_ms <= now_ms():
        raise ApiError(422, "bad_expiry", "expires_at_ms has passed; give a later time, or none.")
    try:
        made, key = await identity.directory.make_key(
            caller,
            name=wanted.name,
            read_only=wanted.read_only,
            expires_ms=wanted.expires_at_ms,
            address=address_of(request),
        )
    except TooManyKeysError as error:
        raise ApiError(
            422, "limit_exceeded", f"You have {KEYS_MAX} API keys; DELETE /auth/keys/ID one first."
        ) from error
    row = key_row(made)
    answer = json_response(
        NewKeyRow(
            key_id=row.key_id,
            name=row.name,
            read_only=row.read_only,
            created_ms=row.created_ms,
            expires_at_ms=row.expires_at_ms,
            key=key,
        ),
        201,
    )
    answer.headers["cache-control"] = "no-store"
    return answer


@router.get(
    "", response_model=list[KeyRow], summary="List my API keys", responses=answers(401, 403, 429, 503)
)
async def list_keys(caller: Person, identity: WithIdentity) -> Response:
    """List the keys that can be used, newest first."""
    return json_response([key_row(key) for key in await identity.directory.keys_of(caller)])


@router.delete(
    "/{key_id}",
    status_code=204,
    summary="Revoke an API key",
    responses=answers(401, 403, 404, 422, 429, 503),
)
async def revoke_key(
    key_id: Annotated[str, Path(max_length=64)], caller: Person, request: Request, identity: WithIdentity
) -> Response:
    """End a key."""
    if not await identity.directory.revoke_key(caller, key_id, address=address_of(request)):
        raise ApiError(404, "unknown_key", "You have no such API key; GET /auth/keys lists yours.")
    return Response(status_code=204)


def key_row(key: ApiKey) -> KeyRow:
    """Give what is told of a key."""
    return KeyRow(
        key_id=key.key_id,
        name=key.name,
        read_only=key.read_only,
        created_ms=key.created_ms,
        expires_at_ms=key.expires_ms,
    )
