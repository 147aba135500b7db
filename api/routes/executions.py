"""What happened to the caller's orders, one row a change."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.dependencies import Investor, WithServices, check_range, json_response
from api.errors import ApiError, answers
from api.history import BadCursorError, executions
from api.history.executions import ExecutionFilter, ExecutionPage
from engine.domain import ID_LENGTH_MAX, TIME_MS_MAX, ExecutionType

router = APIRouter(prefix="/executions", tags=["orders"])


class ExecutionQuery(BaseModel):
    """Which executions are asked for."""

    order_id: Annotated[str | None, Field(max_length=ID_LENGTH_MAX, description="of one order")] = None
    symbol: Annotated[str | None, Field(max_length=64, description="of one symbol")] = None
    execution_type: Annotated[ExecutionType | None, Field(description="`trade`: fills")] = None
    start_ms: Annotated[int | None, Field(ge=0, le=TIME_MS_MAX, description="first moment, included")] = None
    end_ms: Annotated[int | None, Field(ge=0, le=TIME_MS_MAX, description="last moment, included")] = None
    limit: Annotated[int, Field(ge=1, le=1_000, description="at most this many")] = 200
    cursor: Annotated[str | None, Field(max_length=64, description="`next_cursor` of the page before")] = None


@router.get(
    "", response_model=ExecutionPage, summary="Follow my orders' lives", responses=answers(400, 422, 503)
)
async def list_executions(
    services: WithServices, investor: Investor, wanted: Annotated[ExecutionQuery, Query()]
) -> Response:
    """List what happened to the caller's orders, newest first, as far as the recorder has written it."""
    check_range(wanted.start_ms, wanted.end_ms)
    await services.wait_for_recorder()
    query = ExecutionFilter(investor_id=investor, **wanted.model_dump())
    try:
        return json_response(await asyncio.to_thread(executions.page, services.history, query))
    except BadCursorError as error:
        raise ApiError(
            400, "bad_cursor", "Give the next_cursor of a page, or none to begin with the newest."
        ) from error
