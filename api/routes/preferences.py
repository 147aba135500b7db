"""What a user saved of the page: a watchlist, chosen studies, whether orders are confirmed."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel
from starlette.responses import Response

from api.dependencies import SignedIn, WithIdentity, json_body, json_response
from api.errors import ApiError, answers
from api.identity import preferences
from api.identity.clock import now_ms
from api.identity.preferences import NAMES_MAX, VALUE_BYTES_MAX, TooManyPreferencesError

router = APIRouter(prefix="/preferences", tags=["signing in"])


class NewPreference(BaseModel):
    """A value of any shape; at most 8 KiB of JSON."""

    value: Any


@router.get(
    "", response_model=dict[str, Any], summary="Read what I saved", responses=answers(401, 403, 429, 503)
)
async def read_preferences(caller: SignedIn, identity: WithIdentity) -> Response:
    """Give everything that the caller saved, by name."""
    saved = await identity.database.run(lambda connection: preferences.all_of(connection, caller.user_id))
    return json_response(saved)


@router.put(
    "/{name}",
    status_code=204,
    summary="Save something",
    dependencies=[Depends(json_body)],
    responses=answers(400, 401, 403, 413, 415, 422, 429, 503),
)
async def save_preference(
    name: Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,31}$")],
    wanted: NewPreference,
    caller: SignedIn,
    identity: WithIdentity,
) -> Response:
    """Keep a value under a name, in place of the one before."""
    if len(msgspec.json.encode(wanted.value)) > VALUE_BYTES_MAX:
        raise ApiError(422, "limit_exceeded", f"A saved value has at most {VALUE_BYTES_MAX} bytes of JSON.")
    try:
        await identity.database.run(
            lambda connection: preferences.save(
                connection, caller.user_id, name, wanted.value, now_ms=now_ms()
            )
        )
    except TooManyPreferencesError as error:
        raise ApiError(
            422, "limit_exceeded", f"You have saved {NAMES_MAX} things; save under one of their names."
        ) from error
    return Response(status_code=204)
