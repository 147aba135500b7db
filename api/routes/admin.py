"""Run the market: assets and their phases, everybody's money."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.acts import PENDING, AdminDesk, Cash, IdempotencyKey, Transfer, cash_units
from api.dependencies import json_body
from api.errors import ApiError, answers
from api.identity.answers import ActRow
from api.naming import transfer_id_of
from engine.domain import (
    FEE_PPM_MAX,
    ID_LENGTH_MAX,
    LIMIT_COUNT_MAX,
    NAME_LENGTH_MAX,
    PPM_PER_BASIS_POINT,
    PRICE_UNITS_MAX,
    QUANTITY_MAX,
    SYMBOL_PATTERN,
    UNITS_PER_CURRENCY,
    Deposit,
    KillSwitch,
    ListAsset,
    OpenAccount,
    Phase,
    Reason,
    SetLimits,
    SetPhase,
    Withdraw,
)
from engine.units import NotExactError, ppm_from_basis_points

router = APIRouter(prefix="/admin", tags=["administration"])

_RESPONSES = {**PENDING, **answers(400, 401, 403, 413, 415, 422, 429, 503)}
_PRICE_MAX = PRICE_UNITS_MAX / UNITS_PER_CURRENCY
_Price: TypeAlias = Annotated[float, Field(gt=0, le=_PRICE_MAX, allow_inf_nan=False)]
_BasisPoints: TypeAlias = Annotated[
    float, Field(ge=0, le=FEE_PPM_MAX / PPM_PER_BASIS_POINT, allow_inf_nan=False, description="two decimals")
]
_LimitCount: TypeAlias = Annotated[int, Field(ge=1, le=LIMIT_COUNT_MAX, strict=True)]
_Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=ID_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")]
InvestorId: TypeAlias = Annotated[
    str,
    Path(min_length=1, max_length=ID_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]+$", description="whose account"),
]


class NewAsset(BaseModel):
    """An asset; for a listed symbol its name, band and fees are changed, and the rest must stay."""

    symbol: Annotated[str, Field(pattern=SYMBOL_PATTERN)]
    name: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")]
    tick_size: _Price
    lot_size: Annotated[int, Field(ge=1, le=QUANTITY_MAX, strict=True)]
    reference_price: _Price
    price_band: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] | None = None
    maker_fee_bps: _BasisPoints = 0.0
    taker_fee_bps: _BasisPoints = 0.0


class NewPhase(BaseModel):
    """How a symbol is traded from now on."""

    phase: Phase


class NewLimits(BaseModel):
    """What an account may do at most; what is not named has no limit."""

    order_value_max: Cash | None = None
    open_orders_max: _LimitCount | None = None
    orders_per_second_max: _LimitCount | None = None


class NewKillSwitch(BaseModel):
    """Whether an account's orders are all canceled and new ones refused."""

    on: Annotated[bool, Field(strict=True)]


class NewAccount(BaseModel):
    """Whose account is opened. An unlimited one is for market makers: its cash and shares are not checked."""

    investor_id: _Id
    unlimited: Annotated[bool, Field(strict=True)] = False


@router.post(
    "/assets",
    response_model=ActRow,
    summary="List an asset",
    dependencies=[Depends(json_body)],
    responses=_RESPONSES,
)
async def list_asset(
    wanted: NewAsset,
    desk: AdminDesk,
) -> Response:
    """List a new asset, or change a listed one's name, band and fees."""
    command = ListAsset(
        symbol=wanted.symbol,
        name=wanted.name,
        tick_size_units=cash_units("tick_size", wanted.tick_size),
        lot_size=wanted.lot_size,
        reference_price_units=cash_units("reference_price", wanted.reference_price),
        price_band=wanted.price_band,
        maker_fee_ppm=_fee_ppm("maker_fee_bps", wanted.maker_fee_bps),
        taker_fee_ppm=_fee_ppm("taker_fee_bps", wanted.taker_fee_bps),
    )
    return await desk.act("list_asset", wanted.symbol, command)


@router.put(
    "/assets/{symbol}/phase",
    response_model=ActRow,
    summary="Open, halt or close a symbol",
    dependencies=[Depends(json_body)],
    responses=_RESPONSES,
)
async def set_phase(
    symbol: Annotated[str, Path(pattern=SYMBOL_PATTERN)],
    wanted: NewPhase,
    desk: AdminDesk,
) -> Response:
    """Set a symbol's phase; leaving an auction uncrosses it."""
    return await desk.act("set_phase", symbol, SetPhase(symbol=symbol, phase=wanted.phase))


@router.post(
    "/accounts",
    status_code=201,
    response_model=ActRow,
    summary="Open anybody's account",
    dependencies=[Depends(json_body)],
    responses=_RESPONSES,
)
async def open_account(
    wanted: NewAccount,
    desk: AdminDesk,
) -> Response:
    """Open an account in the market."""
    return await desk.act(
        "open_account",
        wanted.investor_id,
        OpenAccount(investor_id=wanted.investor_id, unlimited=wanted.unlimited),
        done_status=201,
    )


@router.post(
    "/accounts/{investor_id:path}/deposits",
    response_model=ActRow,
    summary="Deposit for anybody",
    dependencies=[Depends(json_body)],
    responses=_RESPONSES,
)
async def deposit(
    investor_id: InvestorId,
    wanted: Transfer,
    desk: AdminDesk,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Put cash, or shares of a symbol, into an account."""
    transfer_id = transfer_id_of(investor_id, idempotency_key)
    command = Deposit(investor_id=investor_id, transfer_id=transfer_id, **wanted.fields())
    return await desk.act("deposit", investor_id, command)


@router.post(
    "/accounts/{investor_id:path}/withdrawals",
    response_model=ActRow,
    summary="Withdraw for anybody",
    dependencies=[Depends(json_body)],
    responses=_RESPONSES,
)
async def withdraw(
    investor_id: InvestorId,
    wanted: Transfer,
    desk: AdminDesk,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Take cash, or shares of a symbol, out of an account, as far as no open order holds them."""
    transfer_id = transfer_id_of(investor_id, idempotency_key)
    command = Withdraw(investor_id=investor_id, transfer_id=transfer_id, **wanted.fields())
    return await desk.act("withdraw", investor_id, command)


@router.put(
    "/accounts/{investor_id:path}/limits",
    response_model=ActRow,
    summary="Limit anybody's orders",
    dependencies=[Depends(json_body)],
    responses=_RESPONSES,
)
async def set_limits(
    investor_id: InvestorId,
    wanted: NewLimits,
    desk: AdminDesk,
) -> Response:
    """Give an account these limits in place of those that it has."""
    value = wanted.order_value_max
    command = SetLimits(
        investor_id=investor_id,
        order_value_max_units=None if value is None else cash_units("order_value_max", value),
        open_orders_max=wanted.open_orders_max,
        orders_per_second_max=wanted.orders_per_second_max,
    )
    return await desk.act("set_limits", investor_id, command)


@router.put(
    "/accounts/{investor_id:path}/kill-switch",
    response_model=ActRow,
    summary="Stop anybody's trading",
    dependencies=[Depends(json_body)],
    responses=_RESPONSES,
)
async def turn_kill_switch(
    investor_id: InvestorId,
    wanted: NewKillSwitch,
    desk: AdminDesk,
) -> Response:
    """Cancel all of an account's orders and refuse new ones, or let it trade again."""
    return await desk.act("kill_switch", investor_id, KillSwitch(investor_id=investor_id, on=wanted.on))


def _fee_ppm(name: str, basis_points: float) -> int:
    try:
        return ppm_from_basis_points(basis_points)
    except NotExactError as error:
        raise ApiError(422, Reason.MALFORMED, f"{name}: {error}.") from error
