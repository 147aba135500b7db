"""One's own account: open it, and in the demo put play money in and take it out."""

from __future__ import annotations

import math
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.acts import PENDING, IdempotencyKey, act, cash_units
from api.dependencies import Investor, WithIdentity, WithServices, WithView, json_body
from api.errors import answers, forbidden, rate_limited
from api.identity.answers import ActRow
from api.identity.limits import Buckets
from api.naming import transfer_id_of
from engine.domain import Deposit, OpenAccount, Withdraw

router = APIRouter(prefix="/account", tags=["account"])

PLAY_MONEY_MAX = 1_000_000.0
DEPOSITS_AT_ONCE = 10
_DEPOSITS_PER_S = 10 / 3_600


class PlayMoney(BaseModel):
    """An amount of play money."""

    cash: Annotated[float, Field(gt=0, le=PLAY_MONEY_MAX, allow_inf_nan=False, description="in BRL")]


async def _in_the_demo(identity: WithIdentity) -> None:
    if not identity.with_demo:
        raise forbidden("Only in the demo does money come from nowhere; ask an admin.")


async def _not_too_often(request: Request, investor: Investor) -> None:
    buckets = request.app.state.deposits
    assert isinstance(buckets, Buckets)
    wait_s = buckets.take(investor, now_s=time.monotonic())
    if wait_s > 0:
        raise rate_limited(
            wait_s, f"That were {DEPOSITS_AT_ONCE} deposits; the next is possible in {math.ceil(wait_s)} s."
        )


def deposit_buckets() -> Buckets:
    """Make what counts deposits by account."""
    return Buckets(rate_per_s=_DEPOSITS_PER_S, burst=DEPOSITS_AT_ONCE)


@router.post(
    "",
    status_code=201,
    response_model=ActRow,
    summary="Open my account",
    responses={**PENDING, **answers(401, 403, 422, 429, 503)},
)
async def open_account(services: WithServices, _view: WithView, investor: Investor) -> Response:
    """Open the account that belongs to the caller, in the market; it is empty."""
    return await act(services, OpenAccount(investor_id=investor), done_status=201)


@router.post(
    "/deposits",
    response_model=ActRow,
    summary="Deposit play money (in the demo)",
    dependencies=[Depends(json_body), Depends(_in_the_demo), Depends(_not_too_often)],
    responses={**PENDING, **answers(400, 401, 403, 413, 415, 422, 429, 503)},
)
async def deposit(
    wanted: PlayMoney,
    services: WithServices,
    _view: WithView,
    investor: Investor,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Put play money into one's own account, ten times an hour."""
    command = Deposit(
        investor_id=investor,
        cash_units=cash_units("cash", wanted.cash),
        transfer_id=transfer_id_of(investor, idempotency_key),
    )
    return await act(services, command)


@router.post(
    "/withdrawals",
    response_model=ActRow,
    summary="Withdraw play money (in the demo)",
    dependencies=[Depends(json_body), Depends(_in_the_demo)],
    responses={**PENDING, **answers(400, 401, 403, 413, 415, 422, 429, 503)},
)
async def withdraw(
    wanted: PlayMoney,
    services: WithServices,
    _view: WithView,
    investor: Investor,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Take play money out, as far as no open order holds it."""
    command = Withdraw(
        investor_id=investor,
        cash_units=cash_units("cash", wanted.cash),
        transfer_id=transfer_id_of(investor, idempotency_key),
    )
    return await act(services, command)
